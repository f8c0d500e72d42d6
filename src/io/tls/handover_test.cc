// Connections that one worker accepts and another serves, with real loops, threads and TLS.
#include "io/tls/handover.h"

#include <gtest/gtest.h>

#include <atomic>

#include "io/env/epoll_env.h"
#include "io/pki/openssl_keys.h"
#include "io/tls/openssl_tls.h"

namespace aigrid::io {
namespace {

constexpr int kWorkers = 3;
constexpr int kClients = 24;

// Where a worker serves: written by its own thread before it says that it is ready, then used there only.
struct Place {
  Env* env = nullptr;
  TaskGroup* sessions = nullptr;
  std::shared_ptr<Mailbox> box;
};

struct Party {
  bool tls = false;
  Credentials credentials;
  Place places[kWorkers];
  std::atomic<int> ready = 0;
  std::atomic<int> served[kWorkers] = {};
  std::atomic<int> right = 0;
};

Task<void> echo(Env& env, std::unique_ptr<Stream> stream) {
  std::string piece(16'384, '\0');
  for (;;) {
    const auto got = co_await read_some(env, *stream, piece);
    if (!got.ok() || *got == 0) break;
    const std::string_view bytes = std::string_view(piece).substr(0, *got);
    const auto sent = co_await write_all(env, *stream, bytes);
    if (!sent.ok()) break;
  }
  stream->shutdown_write();
}

Task<void> be_worker(Env& env, Party& party, int index) {
  TaskGroup sessions(env.executor());
  party.places[index] = {&env, &sessions, env.mailbox()};
  ++party.ready;
  co_await env.sleep_for(3600s);
}

// Runs on the worker that takes it.
void take(Handover& parcel, Party& party, int index) {
  const Place& place = party.places[index];
  auto stream = parcel.attach(*place.env);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  EXPECT_EQ((*stream)->peer().identity.empty(), !party.tls);
  EXPECT_EQ((*stream)->peer().binding_key.empty(), !party.tls);
  ++party.served[index];
  place.sessions->spawn(echo(*place.env, std::move(*stream)));
}

Task<void> accept_all(Env& env, Listener& listener, Party& party) {
  for (int i = 0; i < kClients; ++i) {
    auto stream = co_await listener.accept();
    EXPECT_TRUE(stream.ok());
    if (party.tls) {
      ServerTls options;
      options.context = env.tls().make_context(party.credentials, Purpose::Grid).value();
      auto secured = co_await env.tls().accept(env, std::move(*stream), std::move(options));
      EXPECT_TRUE(secured.ok()) << secured.error().message;
      stream = std::move(secured);
    }
    const auto parcel = std::make_shared<Handover>(std::move(*stream));
    const int to = i % kWorkers;
    party.places[to].box->post([parcel, &party, to] { take(*parcel, party, to); });
  }
}

Task<void> ask(Env& env, Party& party, Address to, int number) {
  auto stream = co_await env.dial(to, 5s);
  EXPECT_TRUE(stream.ok());
  if (party.tls) {
    ClientTls options;
    options.context = env.tls().make_context(party.credentials, Purpose::Grid).value();
    auto secured = co_await env.tls().connect(env, std::move(*stream), std::move(options));
    EXPECT_TRUE(secured.ok()) << secured.error().message;
    stream = std::move(secured);
  }
  const std::string text(50'000 + static_cast<std::size_t>(number), static_cast<char>('a' + number));
  std::string heard;
  std::string piece(16'384, '\0');
  for (std::size_t at = 0; at < text.size(); at += 10'000) {  // the first may be there before the connection moved
    const std::string_view part = std::string_view(text).substr(at, 10'000);
    const auto sent = co_await write_all(env, **stream, part);
    EXPECT_TRUE(sent.ok());
    while (heard.size() < at + part.size()) {
      const auto got = co_await read_some(env, **stream, piece);
      if (!got.ok() || *got == 0) co_return;
      heard.append(piece, 0, *got);
    }
  }
  if (heard == text) ++party.right;
}

Task<void> party_of(Env& env, Party& party) {
  for (int i = 0; i < kWorkers; ++i) {
    env.add_worker([&party, i](Env& worker) { return be_worker(worker, party, i); });
  }
  while (party.ready != kWorkers) co_await env.sleep_for(1ms);
  if (party.tls) {
    const std::string ca_key = env.keys().new_key();
    const std::string root = env.keys().make_root({"demo", 24h, env.wall()}, ca_key).value();
    const Spiffe id{"demo", Role::Gateway, "lyon", "gw"};
    const std::string key = env.keys().new_key();
    const std::string csr = env.keys().make_csr(key, id).value();
    party.credentials = {key, env.keys().issue({root, ca_key, csr, id, 1h, env.wall()}).value(), {root}};
  }
  const ListenOptions any{};
  auto listener = env.listen("127.0.0.1:0", any);
  TaskGroup tasks(env.executor());
  tasks.spawn(accept_all(env, **listener, party));
  for (int i = 0; i < kClients; ++i) tasks.spawn(ask(env, party, (*listener)->address(), i));
  co_await tasks.join();
}

void hold(Party& party) {
  EpollOptions options;
  options.tls = [](Env&) { return std::make_shared<OpenSslTls>(); };
  options.keys = [](Env&) { return std::make_shared<OpenSslKeys>(); };
  EXPECT_EQ(run_epoll(std::move(options), [&](Env& env) { return party_of(env, party); }), 0);
  EXPECT_EQ(party.right, kClients);
  for (const auto& count : party.served) EXPECT_EQ(count, kClients / kWorkers);
}

TEST(Handover, MovesAConnectionToAnotherWorker) {
  Party party;
  hold(party);
}

TEST(Handover, ItsTlsSessionGoesAlong) {
  Party party;
  party.tls = true;
  hold(party);
}

Task<void> drop_it(Env& env, bool& ended) {
  const ListenOptions any{};
  auto listener = env.listen("127.0.0.1:0", any);
  auto client = co_await env.dial((*listener)->address(), 5s);
  auto stream = co_await (*listener)->accept();
  {
    const Handover parcel(std::move(*stream));
  }
  char byte = 0;
  const auto got = co_await read_some(env, **client, {&byte, 1});
  ended = !got.ok() || *got == 0;
}

TEST(Handover, DroppedItClosesTheConnection) {
  bool ended = false;
  EXPECT_EQ(run_epoll({}, [&](Env& env) { return drop_it(env, ended); }), 0);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace aigrid::io
