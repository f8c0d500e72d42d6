#include "app/control/inner_service.h"

#include "app/control/members.h"
#include "io/client/inner_dial.h"
#include "io/tls/tls.h"

namespace aigrid::control {

io::Task<void> InnerService::run(std::unique_ptr<io::Listener> listener) {
  io::TaskGroup watching(services_.env.executor());
  watching.spawn(close_deleted());
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
  const auto& limits = services_.options.limits;
  io::H2Options options{limits.inner_ping_every, limits.inner_ping_within};
  io::H2Connection connection(services_.env, std::move(*stream), http::H2Role::Server, std::move(serve_one), options);
  if (who) {
    // It is told why on what it asks: a handshake could not say it.
    if (auto member = check_member(services_.catalog, *who); !member.ok()) {
      services_.env.log().warn("member_refused",
                               {{"who", who->format().value_or("")}, {"why", member.error().message}});
    }
    live_.emplace(&connection, *who);
  }
  struct Leave {
    std::map<io::H2Connection*, Spiffe>& live;
    io::H2Connection* one;
    ~Leave() { live.erase(one); }
  } const leave{live_, &connection};
  co_await connection.run();
}

// Of who is deleted, the connections end; when he comes again he is told why.
io::Task<void> InnerService::close_deleted() {
  Catalog::Watch watch(services_.catalog);
  for (;;) {
    co_await watch.changed.wait();
    services_.board.keep_members(services_.catalog);
    for (const auto& [connection, who] : live_) {
      if (check_member(services_.catalog, who).ok()) continue;
      services_.env.log().warn("member_deleted", {{"who", who.format().value_or("")}});
      connection->close();
    }
  }
}

io::Task<void> InnerService::serve(std::shared_ptr<io::H2Stream> stream, Who who) {
  const std::string path = stream->request().target;
  const bool gateway = who && who->role == Role::Gateway;
  const bool agent = who && who->role == Role::Agent;
  const Result<void> member = who ? check_member(services_.catalog, *who) : Result<void>();
  if (!member.ok()) {
    co_await refuse(*stream, 403, "not_a_member", member.error().message);
  } else if (stream->request().method != "POST") {
    co_await refuse(*stream, 404, "not_found", "only POST is served here");
  } else if (path == "/inner/join" && (!who || gateway)) {
    co_await join(*stream);
  } else if (path == "/inner/renew" && (gateway || agent)) {
    co_await renew(*stream, *who);
  } else if (path == "/inner/bundle" && gateway) {
    co_await bundle(*stream, *who);
  } else if (path == "/inner/records" && gateway && stream->request().headers.get("x-aigrid-peer")) {
    co_await work(*stream, *who);
  } else if (path == "/inner/records" && gateway) {
    co_await records(*stream, *who);
  } else if (path == "/inner/audit" && gateway) {
    co_await audit(*stream, *who);
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
