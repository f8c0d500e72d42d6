#include "app/gateway/public_tls.h"

#include <memory>
#include <utility>

#include "io/tls/tls.h"

namespace aigrid::gateway {

namespace {

bool is_loopback(const io::Address& address) {
  return address.starts_with("127.") || address.starts_with("[::1]") || address.starts_with("unix:");
}

io::Task<Result<std::unique_ptr<io::Stream>>> wrap(io::Env& env, std::shared_ptr<const io::TlsContext> context,
                                                   std::unique_ptr<io::Stream> raw) {
  io::ServerTls server;
  server.context = std::move(context);
  server.alpn = {"http/1.1"};
  server.client = io::ClientCertificate::None;
  co_return co_await env.tls().accept(env, std::move(raw), std::move(server));
}

}  // namespace

Result<io::WrapFn> public_wrap(io::Env& env, const GatewayOptions& options) {
  if (options.public_certificate.empty() != options.public_key.empty()) {
    return invalid("public certificate and public key go together: give both files or neither");
  }
  if (options.public_certificate.empty()) {
    if (is_loopback(options.public_address)) return io::WrapFn{};
    return invalid("public address \"" + options.public_address +
                   "\" is not loopback: give a certificate and its key, keys must not travel in clear");
  }
  io::Credentials credentials;
  AIGRID_TRY(credentials.chain, env.files().read_all(options.public_certificate));
  AIGRID_TRY(credentials.key, env.files().read_all(options.public_key));
  AIGRID_TRY(auto context, env.tls().make_context(credentials, io::Purpose::Web));
  return io::WrapFn([&env, context](std::unique_ptr<io::Stream> raw) { return wrap(env, context, std::move(raw)); });
}

}  // namespace aigrid::gateway
