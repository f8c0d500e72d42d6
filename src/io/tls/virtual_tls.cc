#include "io/tls/virtual_tls.h"

#include <algorithm>
#include <array>

#include "base/crypto/ed25519.h"
#include "base/crypto/hash.h"
#include "io/pki/virtual_cert.h"
#include "io/tls/virtual_hello.h"

namespace aigrid::io {
namespace {

struct VirtualContext final : TlsContext {
  std::optional<crypto::SigningKey> key;
  std::string chain;
  std::vector<VirtualCert> roots;
};

Error unauthenticated(std::string message) {
  return {Code::Unauthenticated, Origin::Upstream, Retry::Never, std::move(message)};
}

// The raw stream; a client's first read takes the server's verdict off the front.
class VirtualTlsStream final : public Stream {
 public:
  VirtualTlsStream(std::unique_ptr<Stream> raw, Peer peer, bool verdict_due)
      : raw_(std::move(raw)), peer_(std::move(peer)), verdict_due_(verdict_due) {}

  Result<std::size_t> try_read(std::span<char> into) override {
    if (refusal_) return *refusal_;
    while (verdict_due_) {
      AIGRID_CHECK_OK(read_verdict());
    }
    return raw_->try_read(into);
  }
  Result<std::size_t> try_write(std::span<const std::string_view> pieces) override { return raw_->try_write(pieces); }
  void on_readable(Waiter* waiter) override { raw_->on_readable(waiter); }
  void on_writable(Waiter* waiter) override { raw_->on_writable(waiter); }
  void shutdown_write() override { raw_->shutdown_write(); }
  void close() override { raw_->close(); }
  const Peer& peer() const override { return peer_; }

 private:
  // Takes one more piece of the verdict frame.
  Result<void> read_verdict() {
    std::size_t need = kHelloHeader;
    if (verdict_.size() >= kHelloHeader) {
      AIGRID_TRY(const std::size_t length, hello_length(verdict_));
      need += length;
    }
    if (verdict_.size() < need) {
      std::array<char, 512> bytes{};
      const std::size_t want = std::min(bytes.size(), need - verdict_.size());
      AIGRID_TRY(const std::size_t n, raw_->try_read(std::span(bytes).first(want)));
      if (n == 0) return unavailable("tls connection with " + peer_.address + " was truncated");
      verdict_.append(bytes.data(), n);
      return {};
    }
    AIGRID_TRY(const Verdict verdict, Verdict::parse(std::string_view(verdict_).substr(kHelloHeader)));
    verdict_due_ = false;
    if (!verdict.refusal.empty()) {
      refusal_ = unauthenticated(peer_.address + " refused our certificate: " + verdict.refusal);
      return *refusal_;
    }
    return {};
  }

  std::unique_ptr<Stream> raw_;
  Peer peer_;
  bool verdict_due_;
  std::string verdict_;
  std::optional<Error> refusal_;
};

// Closes the raw stream when the handshake takes too long: every pending read and write then fails.
class Limit {
 public:
  Limit(Env& env, Stream& raw)
      : timer_(env.timer([this, &raw] {
          late_ = true;
          raw.close();
        })) {
    timer_->arm(env.now() + kHandshakeLimit);
  }
  Error explain(Error error, const Address& address) const {
    if (late_) {
      return {Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere,
              "tls handshake with " + address + " took more than 10 s"};
    }
    error.message = "tls handshake with " + address + ": " + error.message;
    return error;
  }

 private:
  bool late_ = false;
  std::unique_ptr<Timer> timer_;
};

Task<Result<std::string>> read_exactly(Env& env, Stream& raw, std::size_t n) {
  std::string out(n, '\0');
  std::size_t at = 0;
  while (at < n) {
    const Result<std::size_t> got = co_await read_some(env, raw, std::span(out).subspan(at));
    if (!got.ok()) co_return got.error();
    if (*got == 0) co_return unavailable("the connection ended");
    at += *got;
  }
  co_return out;
}

Task<Result<std::string>> read_hello(Env& env, Stream& raw) {
  const Result<std::string> header = co_await read_exactly(env, raw, kHelloHeader);
  if (!header.ok()) co_return header.error();
  AIGRID_CO_TRY(const std::size_t length, hello_length(*header));
  Result<std::string> text = co_await read_exactly(env, raw, length);
  co_return text;
}

Task<Result<void>> send_hello(Env& env, Stream& raw, std::string text) {
  const std::string frame = hello_frame(text);
  Result<void> sent = co_await write_all(env, raw, std::string_view(frame));
  co_return sent;
}

std::string fresh_nonce(Env& env) {
  std::string out(32, '\0');
  env.entropy(out);
  return out;
}

// The identity the chain proves. The signature shows that the peer holds the key.
Result<std::string> check_peer(const std::string& chain_text, const std::string& signature, const std::string& said,
                               const VirtualTrust& trust, const IdentityRule& expect) {
  auto chain = parse_virtual_chain(chain_text);
  if (!chain.ok()) return unauthenticated(chain.error().message);
  AIGRID_CHECK_OK(verify_virtual_chain(*chain, trust));
  const VirtualCert& leaf = chain->front();
  if (!crypto::verify(leaf.key, said, signature)) return unauthenticated("it does not hold the key of its certificate");
  const auto id = Spiffe::parse(leaf.id);
  if (!id.ok()) return unauthenticated(id.error().message);
  if (expect && !expect(*id)) return unauthenticated("it is " + leaf.id + ", which is not allowed here");
  return leaf.id;
}

Peer make_peer(const Stream& raw, std::string identity, std::string alpn, const std::string& nonces) {
  return {raw.peer().address, std::move(identity), std::move(alpn),
          crypto::hkdf_sha256(nonces, "", "EXPORTER-aigrid", 32)};
}

Result<std::string> choose_alpn(const std::vector<std::string>& accepted, const std::vector<std::string>& offered) {
  if (accepted.empty() || offered.empty()) return std::string();
  for (const auto& name : accepted) {
    if (std::find(offered.begin(), offered.end(), name) != offered.end()) return name;
  }
  return unavailable("no application protocol in common, it offered " + offered.front());
}

std::vector<VirtualCert> no_roots() { return {}; }

// Each side's part; `raw` stays with the caller.
Task<Result<Peer>> client_side(Env& env, Stream& raw, const ClientTls& options, const VirtualContext& context) {
  const ClientHello hello{fresh_nonce(env), options.alpn};
  AIGRID_CO_CHECK_OK(co_await send_hello(env, raw, hello.text()));
  const Result<std::string> answer = co_await read_hello(env, raw);
  if (!answer.ok()) co_return answer.error();
  if (const auto verdict = Verdict::parse(*answer); verdict.ok()) co_return unavailable(verdict->refusal);
  AIGRID_CO_TRY(const ServerHello server, ServerHello::parse(*answer));
  const VirtualTrust trust{options.pinned_root.empty() ? context.roots : no_roots(), options.pinned_root, env.wall()};
  auto identity = check_peer(server.chain, server.signature, transcript("server", hello.text(), server.unsigned_text()),
                             trust, options.expect);
  if (!identity.ok()) co_return identity.error();
  if (!options.alpn.empty() && server.alpn.empty()) {
    co_return unavailable("it picked none of the protocols offered (" + options.alpn.front() + ", …)");
  }
  ClientProof proof;
  if (server.wants_certificate && context.key) {
    proof.chain = context.chain;
    proof.signature = context.key->sign(transcript("client", hello.text(), *answer));
  }
  AIGRID_CO_CHECK_OK(co_await send_hello(env, raw, proof.text()));
  co_return make_peer(raw, *identity, server.alpn, hello.nonce + server.nonce);
}

Task<Result<Peer>> server_side(Env& env, Stream& raw, const ServerTls& options, const VirtualContext& context) {
  const Result<std::string> first = co_await read_hello(env, raw);
  if (!first.ok()) co_return first.error();
  AIGRID_CO_TRY(const ClientHello client, ClientHello::parse(*first));
  AIGRID_CO_TRY(const std::string alpn, choose_alpn(options.alpn, client.alpn));
  ServerHello hello{fresh_nonce(env), alpn, options.client != ClientCertificate::None, context.chain, ""};
  hello.signature = context.key->sign(transcript("server", *first, hello.unsigned_text()));
  AIGRID_CO_CHECK_OK(co_await send_hello(env, raw, hello.text()));
  const Result<std::string> last = co_await read_hello(env, raw);
  if (!last.ok()) co_return last.error();
  AIGRID_CO_TRY(const ClientProof proof, ClientProof::parse(*last));
  std::string identity;
  if (!proof.chain.empty() && hello.wants_certificate) {
    const VirtualTrust trust{context.roots, "", env.wall()};
    AIGRID_CO_TRY(identity, check_peer(proof.chain, proof.signature, transcript("client", *first, hello.text()), trust,
                                       options.expect));
  } else if (options.client == ClientCertificate::Required) {
    co_return unauthenticated("showed no certificate, one is required");
  }
  std::string welcome = Verdict().text();
  AIGRID_CO_CHECK_OK(co_await send_hello(env, raw, std::move(welcome)));
  co_return make_peer(raw, identity, alpn, client.nonce + hello.nonce);
}

Result<void> check_own(const VirtualContext& context, bool with_roots) {
  AIGRID_TRY(const std::vector<VirtualCert> chain, parse_virtual_chain(context.chain));
  if (chain.front().key != context.key->public_key()) {
    return invalid(
        "tls context: the private key does not belong to the certificate; they were replaced one without "
        "the other");
  }
  AIGRID_CHECK_OK(Spiffe::parse(chain.front().id));
  if (!with_roots) return {};
  const auto verified = verify_virtual_chain(chain, {context.roots, "", std::nullopt});
  if (verified.ok()) return {};
  return invalid("own " + verified.error().message + "; the chain and the roots are not of one grid");
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> VirtualTls::make_context(const Credentials& credentials, Purpose purpose) {
  if (credentials.key.empty() != credentials.chain.empty()) {
    return invalid("tls context: a private key and a certificate chain go together, one of them is missing");
  }
  auto out = std::make_shared<VirtualContext>();
  for (const std::string& text : credentials.roots) {
    AIGRID_TRY(const std::vector<VirtualCert> certs, parse_virtual_chain(text));
    out->roots.insert(out->roots.end(), certs.begin(), certs.end());
  }
  if (!credentials.key.empty()) {
    AIGRID_TRY(const std::string seed, parse_virtual_key(credentials.key));
    AIGRID_TRY(out->key, crypto::SigningKey::from_seed(seed));
    out->chain = credentials.chain;
    AIGRID_CHECK_OK(check_own(*out, purpose == Purpose::Grid && !out->roots.empty()));
  }
  return std::shared_ptr<const TlsContext>(std::move(out));
}

Task<Result<std::unique_ptr<Stream>>> VirtualTls::connect(Env& env, std::unique_ptr<Stream> raw, ClientTls options) {
  const auto* context = dynamic_cast<const VirtualContext*>(options.context.get());
  if (context == nullptr) co_return invalid("tls connect: no context of this implementation");
  if (!options.host.empty()) co_return invalid("tls connect: virtual certificates hold identities, not host names");
  if (options.pinned_root.empty() && context->roots.empty()) {
    co_return invalid("tls connect: neither roots nor a pin to verify the server with");
  }
  const Address address = raw->peer().address;
  Result<Peer> peer = unavailable("not tried");
  {
    Limit limit(env, *raw);
    peer = co_await client_side(env, *raw, options, *context);
    if (!peer.ok()) co_return limit.explain(peer.error(), address);
  }
  co_return std::unique_ptr<Stream>(std::make_unique<VirtualTlsStream>(std::move(raw), std::move(*peer), true));
}

Task<Result<std::unique_ptr<Stream>>> VirtualTls::accept(Env& env, std::unique_ptr<Stream> raw, ServerTls options) {
  const auto* context = dynamic_cast<const VirtualContext*>(options.context.get());
  if (context == nullptr) co_return invalid("tls accept: no context of this implementation");
  if (!context->key) co_return invalid("tls accept: the context has no certificate");
  if (options.client != ClientCertificate::None && context->roots.empty()) {
    co_return invalid("tls accept: no roots to verify clients with");
  }
  const Address address = raw->peer().address;
  Result<Peer> peer = unavailable("not tried");
  {
    Limit limit(env, *raw);
    peer = co_await server_side(env, *raw, options, *context);
    if (!peer.ok()) {
      // The alert: sent if there is room, as a dying connection can promise no more.
      const std::string frame = hello_frame(Verdict{peer.error().message}.text());
      const std::string_view piece = frame;
      if (raw->try_write({&piece, 1}).ok()) raw->shutdown_write();
      co_return limit.explain(peer.error(), address);
    }
  }
  co_return std::unique_ptr<Stream>(std::make_unique<VirtualTlsStream>(std::move(raw), std::move(*peer), false));
}

}  // namespace aigrid::io
