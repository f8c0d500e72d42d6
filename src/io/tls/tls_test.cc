// What holds for every implementation of Tls.
#include "io/tls/tls.h"

#include <gmock/gmock.h>

#include "io/pki/openssl_keys.h"
#include "io/pki/virtual_keys.h"
#include "io/tls/openssl_tls.h"
#include "io/tls/tls_test_env.h"
#include "io/tls/virtual_tls.h"

namespace aigrid::io {
namespace {

using ::testing::HasSubstr;
using testing::MemoryEnv;
using testing::Pair;
using Opened = Result<std::unique_ptr<Stream>>;

const Spiffe kGateway{"demo", Role::Gateway, "lyon", "gw-1"};
const Spiffe kAgent{"demo", Role::Agent, "lyon", "node-1"};
constexpr const char* kGatewayText = "spiffe://demo/gateway/lyon/gw-1";
constexpr const char* kAgentText = "spiffe://demo/agent/lyon/node-1";

Task<void> connect_into(Env& env, Tls& tls, std::unique_ptr<Stream> raw, ClientTls options, Opened& out) {
  out = co_await tls.connect(env, std::move(raw), std::move(options));
}
Task<void> accept_into(Env& env, Tls& tls, std::unique_ptr<Stream> raw, ServerTls options, Opened& out) {
  out = co_await tls.accept(env, std::move(raw), std::move(options));
}
Task<void> write_into(Env& env, Stream& s, const std::string& bytes, Result<void>& out, bool then_end) {
  out = co_await write_all(env, s, std::string_view(bytes));
  if (then_end) s.shutdown_write();
}
Task<void> read_to_end(Env& env, Stream& s, std::string& bytes, Result<void>& out) {
  std::array<char, 5000> buffer;
  while (true) {
    const Result<std::size_t> n = co_await read_some(env, s, buffer);
    if (!n.ok()) {
      out = n.error();
      co_return;
    }
    if (*n == 0) co_return;
    bytes.append(buffer.data(), *n);
  }
}
Task<void> echo(Env& env, Stream& s) {
  std::array<char, 3000> buffer;
  while (true) {
    const Result<std::size_t> n = co_await read_some(env, s, buffer);
    if (!n.ok() || *n == 0) break;
    const Result<void> sent = co_await write_all(env, s, std::string_view(buffer.data(), *n));
    if (!sent.ok()) co_return;
  }
  s.shutdown_write();
}

struct Both {
  Opened client = unavailable("not finished");
  Opened server = unavailable("not finished");
};

struct TlsTest : ::testing::TestWithParam<bool> {
  using Context = std::shared_ptr<const TlsContext>;
  MemoryEnv env;
  OpenSslTls real_tls;
  VirtualTls virtual_tls;
  OpenSslKeys real_keys;
  VirtualKeys virtual_keys{[this](std::span<char> s) { env.entropy(s); }};
  Tls& tls = GetParam() ? static_cast<Tls&>(real_tls) : virtual_tls;
  Keys& keys = GetParam() ? static_cast<Keys&>(real_keys) : virtual_keys;
  TaskGroup group{env.executor()};

  struct Authority {
    std::string key;
    std::string root;
  };
  Authority authority() {
    Authority a{keys.new_key(), ""};
    a.root = keys.make_root({"demo", 240h, env.wall()}, a.key).value();
    return a;
  }
  Credentials credentials(const Authority& a, const Spiffe& id, Duration lifetime = 1h) {
    Credentials c{keys.new_key(), "", {a.root}};
    const std::string csr = keys.make_csr(c.key, id).value();
    c.chain = keys.issue({a.root, a.key, csr, id, lifetime, env.wall()}).value();
    return c;
  }
  Context context(const Credentials& c) { return tls.make_context(c, Purpose::Grid).value(); }

  Authority ca = authority();
  Context gateway = context(credentials(ca, kGateway));
  Context agent = context(credentials(ca, kAgent));

  Both meet(Pair& pair, ClientTls client, ServerTls server) {
    Both out;
    group.spawn(accept_into(env, tls, std::move(pair.server), std::move(server), out.server));
    group.spawn(connect_into(env, tls, std::move(pair.client), std::move(client), out.client));
    EXPECT_TRUE(env.run(group));
    return out;
  }
  Both meet(ClientTls client, ServerTls server) {
    Pair pair;
    return meet(pair, std::move(client), std::move(server));
  }
  ClientTls client_options() { return {agent, exactly(kGateway), {"aigrid/1", "aigrid/1-r"}, "", ""}; }
  ServerTls server_options() { return {gateway, {"aigrid/1"}, ClientCertificate::Required, nullptr}; }

  // What the client's first read says.
  Result<void> first_read(Both& both) {
    std::string bytes;
    Result<void> out;
    both.server = unavailable("dropped");
    if (!both.client.ok()) return both.client.error();
    group.spawn(read_to_end(env, **both.client, bytes, out));
    EXPECT_TRUE(env.run(group));
    return out;
  }
  bool talks(Stream& from, Stream& to, const std::string& text) {
    Result<void> sent;
    group.spawn(write_into(env, from, text, sent, false));
    std::string got(text.size(), '\0');
    std::size_t at = 0;
    env.run_ready();
    for (int tries = 0; tries < 100 && at < got.size(); ++tries) {
      const auto n = to.try_read(std::span(got).subspan(at));
      if (n.ok()) at += *n;
      env.run_ready();
    }
    return sent.ok() && got == text;
  }
};

TEST_P(TlsTest, BothSidesKnowEachOther) {
  auto both = meet(client_options(), server_options());
  ASSERT_TRUE(both.client.ok()) << both.client.error().message;
  ASSERT_TRUE(both.server.ok()) << both.server.error().message;
  const Peer& seen = (*both.client)->peer();
  const Peer& guest = (*both.server)->peer();
  EXPECT_EQ(seen.identity, kGatewayText);
  EXPECT_EQ(guest.identity, kAgentText);
  EXPECT_EQ(seen.alpn, "aigrid/1");
  EXPECT_EQ(guest.alpn, "aigrid/1");
  EXPECT_EQ(seen.address, "server:1");
  EXPECT_EQ(seen.binding_key.size(), 32U);
  EXPECT_EQ(seen.binding_key, guest.binding_key);
  EXPECT_TRUE(talks(**both.client, **both.server, "up"));
  EXPECT_TRUE(talks(**both.server, **both.client, "down"));
  auto other = meet(client_options(), server_options());
  EXPECT_NE((*other.client)->peer().binding_key, seen.binding_key);
}

TEST_P(TlsTest, AlpnSaysWhoRequests) {
  ClientTls reverse = client_options();
  reverse.alpn = {"aigrid/1-r"};
  ServerTls server = server_options();
  server.alpn = {"aigrid/1", "aigrid/1-r"};
  auto both = meet(reverse, server);
  ASSERT_TRUE(both.server.ok()) << both.server.error().message;
  EXPECT_EQ((*both.client)->peer().alpn, "aigrid/1-r");
  EXPECT_EQ((*both.server)->peer().alpn, "aigrid/1-r");
  reverse.alpn = {"h2"};
  both = meet(reverse, server);
  EXPECT_EQ(both.client.error().code, Code::Unavailable);
  EXPECT_EQ(both.server.error().code, Code::Unavailable);
  reverse.alpn = {};
  both = meet(reverse, server);
  ASSERT_TRUE(both.server.ok());
  EXPECT_EQ((*both.server)->peer().alpn, "");
}

TEST_P(TlsTest, WrongRoot) {
  const Authority stranger = authority();
  ClientTls client = client_options();
  client.context = context(credentials(stranger, kAgent));
  auto both = meet(client, server_options());
  EXPECT_EQ(both.client.error().code, Code::Unauthenticated) << both.client.error().message;
  Credentials trusting = credentials(stranger, kAgent);
  trusting.roots.push_back(ca.root);
  client.context = context(trusting);
  both = meet(client, server_options());
  ASSERT_FALSE(both.server.ok());
  EXPECT_EQ(both.server.error().code, Code::Unauthenticated) << both.server.error().message;
  EXPECT_EQ(first_read(both).error().code, Code::Unauthenticated) << first_read(both).error().message;
}

TEST_P(TlsTest, TimesFollowTheWallClock) {
  auto both = meet(client_options(), server_options());
  EXPECT_TRUE(both.server.ok());
  env.set_wall(env.wall() + 2h);
  both = meet(client_options(), server_options());
  EXPECT_EQ(both.client.error().code, Code::Unauthenticated);
  EXPECT_THAT(both.client.error().message, HasSubstr("expired"));
  ServerTls server = server_options();
  server.context = context(credentials(ca, kGateway));  // renewed; the client's is not
  both = meet(client_options(), server);
  EXPECT_THAT(both.server.error().message, HasSubstr("expired"));
  env.set_wall(env.wall() - 5h);
  both = meet(client_options(), server_options());
  EXPECT_THAT(both.client.error().message, HasSubstr("not yet valid"));
}

TEST_P(TlsTest, WrongIdentity) {
  ClientTls client = client_options();
  client.expect = exactly({"demo", Role::Gateway, "paris", "gw-1"});
  auto both = meet(client, server_options());
  EXPECT_EQ(both.client.error().code, Code::Unauthenticated);
  EXPECT_THAT(both.client.error().message, HasSubstr(std::string("it is ") + kGatewayText));
  ServerTls server = server_options();
  server.expect = [](const Spiffe& id) { return id.role == Role::Control; };
  both = meet(client_options(), server);
  ASSERT_FALSE(both.server.ok());
  EXPECT_THAT(both.server.error().message, HasSubstr("not allowed here"));
  EXPECT_EQ(first_read(both).error().code, Code::Unauthenticated);
}

TEST_P(TlsTest, ClientWithoutCertificate) {
  ClientTls client = client_options();
  client.context = tls.make_context({"", "", {ca.root}}, Purpose::Grid).value();
  auto both = meet(client, server_options());
  ASSERT_FALSE(both.server.ok());
  EXPECT_EQ(both.server.error().code, Code::Unauthenticated) << both.server.error().message;
  EXPECT_EQ(first_read(both).error().code, Code::Unauthenticated);
  for (const auto asked : {ClientCertificate::Optional, ClientCertificate::None}) {
    ServerTls server = server_options();
    server.client = asked;
    both = meet(client, server);
    ASSERT_TRUE(both.server.ok()) << both.server.error().message;
    EXPECT_EQ((*both.server)->peer().identity, "");
    EXPECT_TRUE(talks(**both.server, **both.client, "hello"));
  }
  ServerTls optional = server_options();
  optional.client = ClientCertificate::Optional;
  both = meet(client_options(), optional);
  EXPECT_EQ((*both.server)->peer().identity, kAgentText);
}

TEST_P(TlsTest, PinnedRootForTheJoin) {
  ServerTls server = server_options();
  server.client = ClientCertificate::Optional;
  ClientTls joiner{
      tls.make_context({}, Purpose::Grid).value(), nullptr, {"aigrid/1"}, keys.spki_hash(ca.root).value(), ""};
  auto both = meet(joiner, server);
  ASSERT_TRUE(both.client.ok()) << both.client.error().message;
  ASSERT_TRUE(both.server.ok());
  EXPECT_EQ((*both.client)->peer().identity, kGatewayText);
  EXPECT_EQ((*both.server)->peer().identity, "");
  joiner.pinned_root = keys.spki_hash(authority().root).value();
  both = meet(joiner, server);
  EXPECT_EQ(both.client.error().code, Code::Unauthenticated);
  EXPECT_THAT(both.client.error().message, HasSubstr("pinned root"));
  // A thief of the public root sends it along with a chain of his own.
  const Authority thief = authority();
  Credentials forged = credentials(thief, kGateway);
  forged.chain += ca.root;
  server.context = context(forged);
  joiner.pinned_root = keys.spki_hash(ca.root).value();
  both = meet(joiner, server);
  EXPECT_EQ(both.client.error().code, Code::Unauthenticated) << both.client.error().message;
  joiner.pinned_root.clear();
  EXPECT_EQ(meet(joiner, server).client.error().code, Code::InvalidArgument);
}

TEST_P(TlsTest, RotationLeavesOldConnectionsAlone) {
  auto old = meet(client_options(), server_options());
  ASSERT_TRUE(old.server.ok());
  const Authority next = authority();
  // Both roots are trusted while the leaves move over.
  Credentials moved = credentials(next, kGateway);
  moved.roots.push_back(ca.root);
  Credentials agent_now = credentials(ca, kAgent);
  agent_now.roots.push_back(next.root);
  gateway = context(moved);
  agent = context(agent_now);
  auto fresh = meet(client_options(), server_options());
  ASSERT_TRUE(fresh.client.ok()) << fresh.client.error().message;
  ASSERT_TRUE(fresh.server.ok()) << fresh.server.error().message;
  env.set_wall(env.wall() + 5h);  // the old certificates have expired by now
  EXPECT_TRUE(talks(**old.client, **old.server, "still here"));
  EXPECT_TRUE(talks(**old.server, **old.client, "so am I"));
  EXPECT_TRUE(talks(**fresh.client, **fresh.server, "new"));
}

TEST_P(TlsTest, RefusesCredentialsThatDoNotFit) {
  const auto refusal = [&](const Credentials& c) { return tls.make_context(c, Purpose::Grid).error().message; };
  Credentials good = credentials(ca, kAgent);
  Credentials bad = good;
  bad.key = keys.new_key();
  EXPECT_THAT(refusal(bad), HasSubstr("does not belong to the certificate"));
  bad = good;
  bad.chain.clear();
  EXPECT_THAT(refusal(bad), HasSubstr("go together"));
  bad = good;
  bad.roots = {authority().root};
  EXPECT_THAT(refusal(bad), HasSubstr("not of one grid"));
  bad = good;
  bad.chain = bad.chain.substr(0, bad.chain.size() - 40);
  EXPECT_FALSE(tls.make_context(bad, Purpose::Grid).ok());
  env.set_wall(env.wall() + 1000h);
  EXPECT_TRUE(tls.make_context(good, Purpose::Grid).ok());  // loadable when expired
}

TEST_P(TlsTest, MegabyteThroughTinyWindow) {
  for (const std::size_t window : {97UL, 4096UL, 1000000UL}) {
    Pair pair(window);
    auto both = meet(pair, client_options(), server_options());
    ASSERT_TRUE(both.client.ok()) << both.client.error().message;
    std::string sent(1 << 20, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 251);
    std::string got;
    Result<void> wrote = internal("never finished");
    Result<void> ended;
    group.spawn(echo(env, **both.server));
    group.spawn(write_into(env, **both.client, sent, wrote, true));
    group.spawn(read_to_end(env, **both.client, got, ended));
    ASSERT_TRUE(env.run(group)) << "stuck at window " << window;
    EXPECT_TRUE(wrote.ok());
    EXPECT_TRUE(ended.ok()) << ended.error().message;
    EXPECT_TRUE(got == sent) << got.size();
  }
}

TEST_P(TlsTest, SilentPeerMeetsTheDeadline) {
  Pair pair;
  Opened out = unavailable("not finished");
  group.spawn(accept_into(env, tls, std::move(pair.server), server_options(), out));
  env.run_ready();
  env.pass(9s);
  EXPECT_EQ(group.size(), 1U);
  env.pass(2s);
  EXPECT_TRUE(env.run(group));
  EXPECT_EQ(out.error().code, Code::DeadlineExceeded);
  Pair second;
  group.spawn(connect_into(env, tls, std::move(second.client), client_options(), out));
  EXPECT_TRUE(env.run(group));
  EXPECT_EQ(out.error().code, Code::DeadlineExceeded);
}

TEST_P(TlsTest, PeerThatSpeaksSomethingElse) {
  Pair pair;
  Opened out = internal("not finished");
  const std::string_view request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
  ASSERT_TRUE(pair.client->try_write({&request, 1}).ok());
  group.spawn(accept_into(env, tls, std::move(pair.server), server_options(), out));
  EXPECT_TRUE(env.run(group));
  EXPECT_THAT(out.error().message, HasSubstr("tls handshake with client:2"));
  Pair gone;
  gone.client.reset();
  group.spawn(accept_into(env, tls, std::move(gone.server), server_options(), out));
  EXPECT_TRUE(env.run(group));
  EXPECT_EQ(out.error().code, Code::Unavailable);
}

TEST_P(TlsTest, FramesDieAtAnyPoint) {
  // A process may end in the middle of any handshake: run k steps, then destroy everything.
  for (int steps = 0; steps < 40; ++steps) {
    TaskGroup doomed(env.executor());
    Pair pair(61);
    Both out;
    doomed.spawn(accept_into(env, tls, std::move(pair.server), server_options(), out.server));
    doomed.spawn(connect_into(env, tls, std::move(pair.client), client_options(), out.client));
    for (int i = 0; i < steps; ++i) env.executor().run_one();
    doomed.cancel();
    out = Both();
    env.run_ready();
  }
}

INSTANTIATE_TEST_SUITE_P(Both, TlsTest, ::testing::Values(true, false),
                         [](const auto& p) { return std::string(p.param ? "OpenSsl" : "Virtual"); });

}  // namespace
}  // namespace aigrid::io
