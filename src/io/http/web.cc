#include "io/http/web.h"

#include <utility>

#include "io/tls/tls.h"

namespace aigrid::io {

namespace {

constexpr std::string_view kPlain = "http://";
constexpr std::string_view kSecure = "https://";
constexpr const char* kMachineRoots = "/etc/ssl/certs/ca-certificates.crt";

bool is_loopback(const Address& address) {
  return address.starts_with("127.") || address.starts_with("[::1]") || address.starts_with("unix:");
}

Task<Result<std::unique_ptr<Stream>>> wrap(Env& env, std::shared_ptr<const TlsContext> context,
                                           std::unique_ptr<Stream> raw) {
  ServerTls server;
  server.context = std::move(context);
  server.alpn = {"http/1.1"};
  server.client = ClientCertificate::None;
  co_return co_await env.tls().accept(env, std::move(raw), std::move(server));
}

std::string ip_of(const Address& address) {
  const auto colon = address.rfind(':');
  std::string ip = address.substr(0, colon);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  return ip;
}

Task<Result<std::unique_ptr<Stream>>> dial_tls(Env& env, Address to, std::string roots, Duration within) {
  Credentials trusted;
  AIGRID_CO_TRY(std::string pem, env.files().read_all(roots.empty() ? kMachineRoots : roots));
  trusted.roots.push_back(std::move(pem));
  ClientTls client;
  AIGRID_CO_TRY(client.context, env.tls().make_context(trusted, Purpose::Web));
  client.alpn = {"http/1.1"};
  client.host = ip_of(to);
  AIGRID_CO_TRY(auto stream, co_await env.dial(std::move(to), within));
  co_return co_await env.tls().connect(env, std::move(stream), std::move(client));
}

}  // namespace

Result<WrapFn> web_wrap(Env& env, std::string_view what, const Address& at, const WebCertificate& files) {
  const std::string name(what);
  if (files.certificate.empty() != files.key.empty()) {
    return invalid(name + " certificate and " + name + " key go together: give both files or neither");
  }
  if (files.certificate.empty()) {
    if (is_loopback(at)) return WrapFn{};
    return invalid(name + " address \"" + at +
                   "\" is not loopback: give a certificate and its key, keys must not travel in clear");
  }
  Credentials credentials;
  AIGRID_TRY(credentials.chain, env.files().read_all(files.certificate));
  AIGRID_TRY(credentials.key, env.files().read_all(files.key));
  AIGRID_TRY(auto context, env.tls().make_context(credentials, Purpose::Web));
  return WrapFn([&env, context](std::unique_ptr<Stream> raw) { return wrap(env, context, std::move(raw)); });
}

Result<WebUrl> parse_web_url(std::string_view url) {
  WebUrl out;
  const std::string_view given = url;
  if (url.starts_with(kSecure)) {
    out.tls = true;
    url.remove_prefix(kSecure.size());
  } else if (url.starts_with(kPlain)) {
    url.remove_prefix(kPlain.size());
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  out.address = Address(url);
  if (url.find("://") != std::string_view::npos || (out.tls && url.find(':') == std::string_view::npos)) {
    return invalid("\"" + std::string(given) + "\" is no address: give https://IP:PORT, http://IP:PORT or IP:PORT");
  }
  return out;
}

Task<Result<ClientResponse>> web_request(Env& env, std::string url, std::string roots, http::RequestHead head,
                                         std::string body, ClientTimes times) {
  AIGRID_CO_TRY(WebUrl to, parse_web_url(url));
  if (!to.tls) {
    co_return co_await http1_request(env, std::move(to.address), std::move(head), std::move(body), times);
  }
  AIGRID_CO_TRY(auto stream, co_await dial_tls(env, std::move(to.address), std::move(roots), times.connect));
  co_return co_await http1_request_on(env, std::move(stream), std::move(head), std::move(body), times);
}

}  // namespace aigrid::io
