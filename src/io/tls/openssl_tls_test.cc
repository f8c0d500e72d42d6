// What only the real record layer can get wrong: cut streams, buffered plaintext, bytes owed at the end, web
// certificates.
#include "io/tls/openssl_tls.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>

#include "io/pki/openssl_keys.h"
#include "io/pki/x509.h"
#include "io/tls/tls_test_env.h"

namespace aigrid::io {
namespace {

using ::testing::HasSubstr;
using testing::MemoryEnv;
using testing::Pair;
using Opened = Result<std::unique_ptr<Stream>>;

struct Knock final : Waiter {
  int count = 0;
  void wake() noexcept override { ++count; }
};

Task<void> connect_into(Env& env, Tls& tls, std::unique_ptr<Stream> raw, ClientTls options, Opened& out) {
  out = co_await tls.connect(env, std::move(raw), std::move(options));
}
Task<void> accept_into(Env& env, Tls& tls, std::unique_ptr<Stream> raw, ServerTls options, Opened& out) {
  out = co_await tls.accept(env, std::move(raw), std::move(options));
}

struct OpenSslTlsTest : ::testing::Test {
  MemoryEnv env;
  OpenSslTls tls;
  OpenSslKeys keys;
  TaskGroup group{env.executor()};
  std::string ca_key = keys.new_key();
  std::string root = keys.make_root({"demo", 24h, env.wall()}, ca_key).value();
  Opened client = unavailable("not finished");
  Opened server = unavailable("not finished");

  std::shared_ptr<const TlsContext> member(const Spiffe& id) {
    const std::string key = keys.new_key();
    const std::string csr = keys.make_csr(key, id).value();
    const std::string chain = keys.issue({root, ca_key, csr, id, 1h, env.wall()}).value();
    return tls.make_context({key, chain, {root}}, Purpose::Grid).value();
  }
  void meet(Pair& pair, ClientTls client_options, ServerTls server_options) {
    group.spawn(accept_into(env, tls, std::move(pair.server), std::move(server_options), server));
    group.spawn(connect_into(env, tls, std::move(pair.client), std::move(client_options), client));
    ASSERT_TRUE(env.run(group));
  }
  void meet(Pair& pair) {
    const auto context = member({"demo", Role::Gateway, "lyon", "gw"});
    meet(pair, {context, nullptr, {}, "", ""}, {context, {}, ClientCertificate::Required, nullptr});
    ASSERT_TRUE(client.ok() && server.ok());
  }
  Result<std::size_t> write(Stream& s, std::string_view text) { return s.try_write({&text, 1}); }
  std::string read(Stream& s, std::size_t most) {
    std::string out(most, '\0');
    const auto n = s.try_read(out);
    return n.ok() ? out.substr(0, *n) : "error: " + n.error().message;
  }

  // A self-signed web certificate, as an operator would bring.
  Credentials web(const char* names) {
    const std::string key_text = keys.new_key();
    const x509::Key key = x509::read_key(key_text).value();
    const x509::Cert cert(X509_new());
    X509* c = cert.get();
    X509_set_version(c, X509_VERSION_3);
    ASN1_TIME_set(X509_getm_notBefore(c), unix_seconds(env.wall()) - 10);
    ASN1_TIME_set(X509_getm_notAfter(c), unix_seconds(env.wall()) + 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("web"), -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    X509_set_pubkey(c, key.get());
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
    X509_add_ext(c, extension, -1);
    X509_EXTENSION_free(extension);
    EXPECT_GT(X509_sign(c, key.get(), EVP_sha256()), 0);
    const x509::Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), c);
    return {key_text, x509::to_text(bio.get()), {}};
  }
};

TEST_F(OpenSslTlsTest, EndWithoutCloseNotifyIsTruncation) {
  Pair pair;
  const auto down = pair.down;
  meet(pair);
  ASSERT_TRUE(write(**server, "half an answer").ok());
  down->ended = true;  // the connection is cut after it
  EXPECT_EQ(read(**client, 100), "half an answer");
  std::string buffer(10, '\0');
  const auto end = (*client)->try_read(buffer);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, Code::Unavailable);
  EXPECT_THAT(end.error().message, HasSubstr("truncated"));
  EXPECT_FALSE((*client)->try_read(buffer).ok());  // and stays so
}

TEST_F(OpenSslTlsTest, ChangedBytesAreFound) {
  Pair pair;
  const auto down = pair.down;
  meet(pair);
  ASSERT_TRUE(write(**server, "pay 10").ok());
  down->bytes.back() = static_cast<char>(down->bytes.back() ^ 1);
  EXPECT_THAT(read(**client, 100), HasSubstr("bad record mac"));
}

TEST_F(OpenSslTlsTest, HalfCloseKeepsTheOtherWay) {
  Pair pair;
  meet(pair);
  ASSERT_TRUE(write(**client, "question").ok());
  (*client)->shutdown_write();
  EXPECT_EQ(read(**server, 100), "question");
  EXPECT_EQ(read(**server, 100), "");
  ASSERT_TRUE(write(**server, "answer").ok());
  EXPECT_EQ(read(**client, 100), "answer");
  EXPECT_FALSE(write(**client, "more").ok());
}

TEST_F(OpenSslTlsTest, BufferedPlaintextWakesAWaiter) {
  Pair pair;
  meet(pair);
  ASSERT_TRUE(write(**server, "abcdef").ok());
  EXPECT_EQ(read(**client, 2), "ab");
  Knock knock;
  (*client)->on_readable(&knock);  // the raw stream is empty, "cdef" is inside
  EXPECT_EQ(knock.count, 1);
  EXPECT_EQ(read(**client, 100), "cdef");
  EXPECT_EQ(read(**client, 100), "error: ");
  (*client)->on_readable(&knock);
  EXPECT_EQ(knock.count, 1);  // nothing there: no busy loop
  ASSERT_TRUE(write(**server, "x").ok());
  EXPECT_EQ(knock.count, 2);
  (*client)->on_readable(nullptr);
}

TEST_F(OpenSslTlsTest, WhatWasTakenArrivesThoughTheStreamIsDestroyed) {
  Pair pair;
  const auto down = pair.down;
  meet(pair);
  down->window = 100;
  const std::string answer(5000, 'a');
  ASSERT_EQ(write(**server, answer).value(), answer.size());
  EXPECT_EQ(write(**server, "b").error().code, Code::WouldBlock);
  (*server)->shutdown_write();
  server = unavailable("destroyed");
  std::string got;
  std::string buffer(512, '\0');
  for (int i = 0; i < 1000; ++i) {
    env.run_ready();
    const auto n = (*client)->try_read(buffer);
    if (n.ok() && *n == 0) break;
    if (n.ok()) got.append(buffer, 0, *n);
    if (!n.ok()) ASSERT_EQ(n.error().code, Code::WouldBlock) << n.error().message;
  }
  EXPECT_TRUE(got == answer) << got.size();
}

TEST_F(OpenSslTlsTest, LingeringIsBoundedInTime) {
  Pair pair;
  const auto down = pair.down;
  meet(pair);
  down->window = 1;
  ASSERT_TRUE(write(**server, "never read").ok());
  server = unavailable("destroyed");
  env.run_ready();
  EXPECT_FALSE(down->ended);
  env.pass(11s);
  EXPECT_TRUE(down->ended);
}

TEST_F(OpenSslTlsTest, CloseCancelsAndWakes) {
  Pair pair;
  meet(pair);
  Knock knock;
  std::string buffer(10, '\0');
  EXPECT_EQ((*client)->try_read(buffer).error().code, Code::WouldBlock);
  (*client)->on_readable(&knock);
  (*client)->close();
  EXPECT_EQ(knock.count, 1);
  EXPECT_EQ((*client)->try_read(buffer).error().code, Code::Cancelled);
  EXPECT_EQ(write(**client, "x").error().code, Code::Cancelled);
  (*client)->close();
}

TEST_F(OpenSslTlsTest, SmallPiecesShareARecord) {
  Pair pair(1 << 20);
  const auto up = pair.up;
  meet(pair);
  const std::string body(40'000, 'x');
  const std::vector<std::string_view> pieces{"head", "", "er", body, "tail"};
  up->bytes.reserve(1 << 20);
  std::size_t before = up->bytes.size();
  ASSERT_EQ((*client)->try_write(pieces).value(), 40'010U);
  EXPECT_LT(up->bytes.size() - before, 40'010U + 3 * 32U);
  std::string got;
  for (std::string piece = read(**server, 20'000); !piece.starts_with("error"); piece = read(**server, 20'000))
    got += piece;
  EXPECT_TRUE(got == "header" + body + "tail");
}

TEST_F(OpenSslTlsTest, WebServerByHostName) {
  const Credentials own = web("DNS:api.example.com,IP:127.0.0.1");
  const auto context = tls.make_context(own, Purpose::Web);
  ASSERT_TRUE(context.ok()) << context.error().message;
  EXPECT_FALSE(tls.make_context(own, Purpose::Grid).ok());  // it holds no identity
  const auto trusting = tls.make_context({"", "", {own.chain}}, Purpose::Web).value();
  for (const auto& [host, good] :
       {std::pair("api.example.com", true), {"127.0.0.1", true}, {"evil.example.com", false}, {"127.0.0.2", false}}) {
    Pair pair;
    meet(pair, {trusting, nullptr, {"http/1.1"}, "", host}, {*context, {"http/1.1"}, ClientCertificate::None, nullptr});
    EXPECT_EQ(client.ok(), good) << host;
    if (good) EXPECT_EQ((*client)->peer().alpn, "http/1.1");
    if (!good) EXPECT_EQ(client.error().code, Code::Unauthenticated);
  }
  Pair pair;  // a web certificate never passes for a grid identity
  meet(pair, {trusting, nullptr, {}, "", ""}, {*context, {}, ClientCertificate::None, nullptr});
  EXPECT_THAT(client.error().message, HasSubstr("no identity"));
}

}  // namespace
}  // namespace aigrid::io
