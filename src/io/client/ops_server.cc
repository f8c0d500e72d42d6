#include "io/client/ops_server.h"

#include "io/http/server.h"

namespace aigrid::io {

namespace {

Task<void> answer(Exchange& exchange, const OpsCallbacks& callbacks) {
  const auto& head = exchange.head();
  http::Headers plain{{"content-type", "text/plain; charset=utf-8"}};
  int status = 200;
  std::string body = "ok\n";
  if (head.method != "GET" && head.method != "HEAD") {
    status = 405;
    plain.set("allow", "GET, HEAD");
    body = "only GET\n";
  } else if (head.target == "/readyz") {
    if (auto ready = callbacks.ready(); !ready.ok()) {
      status = 503;
      body = ready.error().message + "\n";
    }
  } else if (head.target == "/metrics") {
    plain.set("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8");
    if (callbacks.refresh) co_await callbacks.refresh();
    body = callbacks.metrics();
  } else if (head.target != "/livez") {
    status = 404;
    body = "try /livez, /readyz or /metrics\n";
  }
  auto sent = co_await exchange.respond(status, std::move(plain), std::move(body));
  (void)sent;  // the client has gone
}

}  // namespace

Task<void> serve_ops(Env& env, std::unique_ptr<Listener> listener, OpsCallbacks callbacks) {
  ServerLimits limits;
  limits.connections = 256;
  limits.parse.body_bytes = 64 * 1024;
  TaskGroup connections(env.executor());
  ServeFn serve = [&callbacks](Exchange& exchange) { return answer(exchange, callbacks); };
  co_await serve_listener(env, *listener, connections, limits, serve);
}

Task<Result<void>> run_ops(Env& env, Address at, OpsCallbacks callbacks) {
  if (at.empty()) co_return Result<void>();
  auto listener = env.listen(at, {});
  if (!listener.ok()) co_return std::move(listener).error();
  env.log().note("listening", {{"listener", "ops"}, {"address", (*listener)->address()}});
  co_await serve_ops(env, std::move(*listener), std::move(callbacks));
  co_return Result<void>();
}

}  // namespace aigrid::io
