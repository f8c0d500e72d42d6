#include "app/control/inner_service.h"

#include "io/client/inner_dial.h"
#include "io/tls/tls.h"

namespace aigrid::control {

io::Task<void> InnerService::run(std::unique_ptr<io::Listener> listener) {
  for (;;) {
    auto raw = co_await listener->accept();
    if (!raw.ok()) {
      if (raw.error().code == Code::Cancelled) co_return;
      services_.env.log().warn("accept_failed", {{"listener", "inner"}, {"why", raw.error().message}});
      co_await services_.env.sleep_for(services_.options.limits.accept_retry);
      continue;
    }
    if (connections_.size() < services_.options.limits.connections)
      connections_.spawn(serve_connection(std::move(*raw)));
  }
}

io::Task<void> InnerService::serve_connection(std::unique_ptr<io::Stream> raw) {
  io::ServerTls tls{services_.membership.tls(), {io::kAlpnAsk}, io::ClientCertificate::Optional, {}};
  tls.expect = [grid = services_.authority.grid()](const Spiffe& id) { return id.grid == grid; };
  auto stream = co_await services_.env.tls().accept(services_.env, std::move(raw), std::move(tls));
  if (!stream.ok()) {
    services_.env.log().warn("inner_handshake_failed", {{"why", stream.error().message}});
    co_return;
  }
  Who who;
  if (const std::string& identity = (*stream)->peer().identity; !identity.empty()) {
    auto parsed = Spiffe::parse(identity);
    if (!parsed.ok()) co_return;
    who = std::move(*parsed);
  }
  io::ServeStream serve_one = [this, who](std::shared_ptr<io::H2Stream> s) { return serve(std::move(s), who); };
  io::H2Connection connection(services_.env, std::move(*stream), http::H2Role::Server, std::move(serve_one));
  co_await connection.run();
}

io::Task<void> InnerService::serve(std::shared_ptr<io::H2Stream> stream, Who who) {
  const std::string path = stream->request().target;
  const bool gateway = who && who->role == Role::Gateway;
  const bool agent = who && who->role == Role::Agent;
  if (stream->request().method != "POST") {
    co_await refuse(*stream, 404, "not_found", "only POST is served here");
  } else if (path == "/inner/join" && (!who || gateway)) {
    co_await join(*stream);
  } else if (path == "/inner/renew" && (gateway || agent)) {
    co_await renew(*stream, *who);
  } else if (path == "/inner/bundle" && gateway) {
    co_await bundle(*stream, *who);
  } else if (path == "/inner/records" && gateway) {
    co_await records(*stream, *who);
  } else if (path == "/inner/status" && gateway) {
    co_await status(*stream, *who);
  } else {
    co_await refuse(*stream, 403, "permission_denied",
                    path + " is not for " + (who ? std::string(to_string(who->role)) : "strangers"));
  }
}

io::Task<Result<std::string>> InnerService::read_body(io::H2Stream& stream) {
  return stream.read_all(services_.options.limits.inner_body_bytes);
}

io::Task<void> InnerService::answer(io::H2Stream& stream, int status, std::string body) {
  auto head =
      stream.respond({status, {{"content-type", status < 300 ? "application/json" : "application/problem+json"}}});
  if (!head.ok()) co_return;
  auto sent = co_await stream.write(body);
  if (sent.ok()) (void)stream.end();
}

io::Task<void> InnerService::refuse(io::H2Stream& stream, int status, std::string_view code, std::string_view message) {
  return answer(stream, status, inner_problem(code, message));
}

}  // namespace aigrid::control
