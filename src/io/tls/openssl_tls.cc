#include "io/tls/openssl_tls.h"

#include <openssl/err.h>

#include "io/tls/openssl_context.h"
#include "io/tls/openssl_stream.h"

namespace aigrid::io {
namespace {

using Ssl = OpenSslStream::Ssl;

Result<Ssl> make_ssl(Env& env, const OpenSslContext& context) {
  Ssl ssl(SSL_new(context.get()));
  if (!ssl) return internal("tls: openssl failed: " + x509::openssl_reason());
  X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl.get()), unix_seconds(env.wall()));
  return ssl;
}

Result<Ssl> client_ssl(Env& env, const ClientTls& options) {
  const auto* context = dynamic_cast<const OpenSslContext*>(options.context.get());
  if (context == nullptr) return invalid("tls connect: no context of this implementation");
  if (options.pinned_root.empty() && !context->has_roots()) {
    return invalid("tls connect: neither roots nor a pin to verify the server with");
  }
  AIGRID_TRY(Ssl ssl, make_ssl(env, *context));
  SSL_set_connect_state(ssl.get());
  SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
  AIGRID_TRY(const std::string alpn, alpn_wire(options.alpn));
  if (!alpn.empty() && SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                                           static_cast<unsigned>(alpn.size())) != 0) {
    return internal("tls connect: alpn list not taken");
  }
  if (!options.host.empty()) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl.get());
    const bool is_ip = X509_VERIFY_PARAM_set1_ip_asc(param, options.host.c_str()) == 1;
    ERR_clear_error();
    if (!is_ip && (X509_VERIFY_PARAM_set1_host(param, options.host.data(), options.host.size()) != 1 ||
                   SSL_set_tlsext_host_name(ssl.get(), options.host.c_str()) != 1)) {
      return invalid("tls connect: '" + options.host + "' is not a host name");
    }
  }
  return ssl;
}

Result<Ssl> server_ssl(Env& env, const ServerTls& options) {
  const auto* context = dynamic_cast<const OpenSslContext*>(options.context.get());
  if (context == nullptr) return invalid("tls accept: no context of this implementation");
  if (!context->has_certificate()) return invalid("tls accept: the context has no certificate");
  if (options.client != ClientCertificate::None && !context->has_roots()) {
    return invalid("tls accept: no roots to verify clients with");
  }
  AIGRID_TRY(Ssl ssl, make_ssl(env, *context));
  SSL_set_accept_state(ssl.get());
  int mode = SSL_VERIFY_NONE;
  if (options.client == ClientCertificate::Optional) mode = SSL_VERIFY_PEER;
  if (options.client == ClientCertificate::Required) mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(ssl.get(), mode, nullptr);
  return ssl;
}

class Progress final : public Waiter {
 public:
  Progress(Env& env, OpenSslStream& stream)
      : event_(env.executor()), stream_(stream), limit_(env.timer([this] {
          late_ = true;
          event_.set();
        })) {
    limit_->arm(env.now() + kHandshakeLimit);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    stream_.on_readable(nullptr);
    stream_.on_writable(nullptr);
  }
  void wake() noexcept override { event_.set(); }
  Event::Awaiter next() { return event_.wait(); }
  bool late() const { return late_; }

 private:
  Event event_;
  OpenSslStream& stream_;
  std::unique_ptr<Timer> limit_;
  bool late_ = false;
};

Error explain(Error error, const Negotiation& negotiation, const Address& address) {
  const std::string who = address.empty() ? "the peer" : address;
  if (!negotiation.failure.empty()) {
    return {Code::Unauthenticated, Origin::Upstream, Retry::Never,
            "tls handshake with " + who + ": " + negotiation.failure};
  }
  error.message = "tls handshake with " + who + ": " + error.message;
  return error;
}

Task<Result<void>> handshake(Env& env, OpenSslStream& stream, const Negotiation& negotiation) {
  Progress progress(env, stream);
  while (true) {
    auto done = stream.handshake_step();
    if (!done.ok()) co_return explain(std::move(done).error(), negotiation, stream.peer().address);
    if (*done && stream.flushed()) co_return Result<void>();
    if (*done) {
      stream.on_writable(&progress);
    } else {
      stream.on_readable(&progress);
    }
    co_await progress.next();
    if (progress.late()) {
      co_return Error{Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere,
                      "tls handshake with " + stream.peer().address + " took more than 10 s"};
    }
  }
}

Result<void> finish(OpenSslStream& stream, const Negotiation& negotiation) {
  Peer& peer = stream.edit_peer();
  const unsigned char* alpn = nullptr;
  unsigned alpn_length = 0;
  SSL_get0_alpn_selected(stream.ssl(), &alpn, &alpn_length);
  peer.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_length);
  peer.identity = negotiation.identity;
  constexpr std::string_view kLabel = "EXPORTER-aigrid";
  peer.binding_key.resize(32);
  if (SSL_export_keying_material(stream.ssl(), reinterpret_cast<unsigned char*>(peer.binding_key.data()),
                                 peer.binding_key.size(), kLabel.data(), kLabel.size(), nullptr, 0, 0) != 1) {
    return internal("tls: no exporter: " + x509::openssl_reason());
  }
  SSL_set_app_data(stream.ssl(), nullptr);  // `negotiation` ends with the handshake
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> OpenSslTls::make_context(const Credentials& credentials, Purpose purpose) {
  return OpenSslContext::make(credentials, purpose);
}

Task<Result<std::unique_ptr<Stream>>> OpenSslTls::connect(Env& env, std::unique_ptr<Stream> raw, ClientTls options) {
  AIGRID_CO_TRY(Ssl ssl, client_ssl(env, options));
  Negotiation negotiation;
  negotiation.expect = options.expect;
  negotiation.pinned_root = options.pinned_root;
  negotiation.by_host = !options.host.empty();
  SSL_set_app_data(ssl.get(), &negotiation);
  auto stream = std::make_unique<OpenSslStream>(env, lingering_, std::move(raw), std::move(ssl));
  const Result<void> done = co_await handshake(env, *stream, negotiation);
  if (!done.ok()) {
    stream->abandon();
    co_return done.error();
  }
  AIGRID_CO_CHECK_OK(finish(*stream, negotiation));
  if (!options.alpn.empty() && stream->peer().alpn.empty()) {
    co_return unavailable("tls handshake with " + stream->peer().address +
                          ": it picked none of the protocols offered (" + options.alpn.front() + ", …)");
  }
  co_return std::unique_ptr<Stream>(std::move(stream));
}

Task<Result<std::unique_ptr<Stream>>> OpenSslTls::accept(Env& env, std::unique_ptr<Stream> raw, ServerTls options) {
  AIGRID_CO_TRY(Ssl ssl, server_ssl(env, options));
  Negotiation negotiation;
  negotiation.expect = options.expect;
  negotiation.alpn = options.alpn;
  SSL_set_app_data(ssl.get(), &negotiation);
  auto stream = std::make_unique<OpenSslStream>(env, lingering_, std::move(raw), std::move(ssl));
  const Result<void> done = co_await handshake(env, *stream, negotiation);
  if (!done.ok()) {
    stream->abandon();
    co_return done.error();
  }
  AIGRID_CO_CHECK_OK(finish(*stream, negotiation));
  co_return std::unique_ptr<Stream>(std::move(stream));
}

std::unique_ptr<Stream> OpenSslTls::move_in(Env& env, OpenSslStream::Moved moved) {
  return std::make_unique<OpenSslStream>(env, lingering_, std::move(moved));
}

}  // namespace aigrid::io
