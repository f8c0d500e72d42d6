#include "app/gateway/inner_server.h"

#include <algorithm>
#include <utility>

#include "app/gateway/control_link.h"
#include "app/gateway/distances.h"
#include "app/gateway/hosted_attempt.h"
#include "app/gateway/kept.h"
#include "app/gateway/lease_home.h"
#include "app/gateway/members.h"
#include "app/gateway/relays.h"
#include "format/json/json.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/http/tunnel.h"
#include "io/tls/tls.h"

namespace aigrid::gateway {

io::Task<void> answer_problem(std::shared_ptr<io::H2Stream> stream, int status, std::string code, std::string message) {
  const json::Json problem{{"code", code}, {"message", message}};
  const std::string body = json::dump(problem);
  if (!stream->respond({status, {{"content-type", "application/json"}}}).ok()) co_return;
  auto sent = co_await stream->write(body);
  if (sent.ok()) (void)stream->end();
}

namespace {

bool from_sibling(const Board& board, const io::H2Stream& stream) {
  const auto who = Spiffe::parse(stream.binding().peer.identity);
  return who.ok() && who->role == Role::Gateway && who->site == board.site();
}

}  // namespace

InnerServer::InnerServer(Services& services) : services_(services), tasks_(services.env.executor()) {}

io::Task<void> InnerServer::run(std::unique_ptr<io::Listener> listener) {
  for (;;) {
    auto stream = co_await listener->accept();
    if (!stream.ok()) {
      if (stream.error().code == Code::Cancelled) co_return;
      services_.env.log().warn("inner_accept_failed", {{"why", stream.error().message}});
      co_await services_.env.sleep_for(services_.options.cadence.accept_retry);
      continue;
    }
    if (full()) {
      services_.env.log().warn("inner_connections_full", {{"from", (*stream)->peer().address}});
      continue;  // closed unheard; the dialler tries again
    }
    tasks_.spawn(serve(std::move(*stream), false));
  }
}

io::Task<void> InnerServer::serve(std::unique_ptr<io::Stream> raw, bool relayed) {
  const std::string from = raw->peer().address;
  io::ServerTls options;
  options.context = services_.badge.tls;
  options.alpn = alpns();
  options.client = io::ClientCertificate::Optional;
  auto stream = co_await services_.env.tls().accept(services_.env, std::move(raw), std::move(options));
  if (!stream.ok()) {
    services_.env.log().warn("inner_handshake_failed", {{"from", from}, {"why", stream.error().message}});
    co_return;
  }
  const std::uint32_t worker = io::parse_alpn((*stream)->peer().alpn).worker % services_.options.workers;
  if (relayed || worker == services_.worker) {
    co_await serve_secured(std::move(*stream));
    co_return;
  }
  const Colleague& there = services_.crew.at(worker);
  const auto parcel = std::make_shared<io::Handover>(std::move(*stream));
  there.door.tell([of_it = there.services, parcel] { of_it->inner.take(*parcel); });
}

// Who asks may not know yet how many workers we have now: any of them answers. Whom we ask must mean the right one.
std::vector<std::string> InnerServer::alpns() const {
  std::vector<std::string> out;
  const std::uint32_t workers = services_.options.workers;
  for (std::uint32_t n = 0; n < std::max(workers, services_.board.workers()); ++n) {
    out.push_back(io::alpn_for(io::kAlpnAsk, n));
    if (n < workers) out.push_back(io::alpn_for(io::kAlpnServe, n));
  }
  return out;
}

void InnerServer::take(io::Handover& connection) {
  if (full()) return;  // dropped, it is closed
  auto stream = connection.attach(services_.env);
  if (!stream.ok()) {
    services_.env.log().warn("inner_connection_not_taken", {{"why", stream.error().message}});
    return;
  }
  tasks_.spawn(serve_secured(std::move(*stream)));
}

io::Task<void> InnerServer::serve_secured(std::unique_ptr<io::Stream> stream) {
  std::optional<Spiffe> who;
  if (const auto& identity = stream->peer().identity; !identity.empty()) {
    auto parsed = Spiffe::parse(identity);
    if (!parsed.ok() || parsed->grid != services_.badge.name.grid) {
      services_.env.log().warn("inner_peer_refused", {{"identity", identity}});
      co_return;
    }
    who = *parsed;
  }
  const std::string alpn = io::parse_alpn(stream->peer().alpn).alpn;
  co_await serve_connection(std::move(stream), alpn, std::move(who));
}

io::Task<void> InnerServer::serve_connection(std::unique_ptr<io::Stream> stream, std::string alpn,
                                             std::optional<Spiffe> who) {
  if (alpn != io::kAlpnServe) {
    co_await serve_dialler(std::move(stream), std::move(who));
  } else if (who && (who->role == Role::Agent || who->role == Role::Gateway)) {
    co_await ask_dialler(std::move(stream), std::move(*who));
  }
}

// The dialler answers: we ask.
io::Task<void> InnerServer::ask_dialler(std::unique_ptr<io::Stream> stream, Spiffe who) {
  io::Env& env = services_.env;
  const auto& cadence = services_.options.cadence;
  const io::H2Options options{cadence.ping_every, cadence.ping_within};
  auto connection =
      std::make_shared<io::H2Connection>(env, std::move(stream), http::H2Role::Requester, io::ServeStream{}, options);
  if (auto member = check_member(services_.board, who); !member.ok()) {
    env.log().warn("member_refused", {{"who", who.format().value_or("")}, {"why", member.error().message}});
    co_await io::say_refused(env, *connection, member.error().message, cadence.ping_within);
    co_return;
  }
  if (who.role == Role::Gateway) {
    co_await services_.peers.follow(connection, who.id, std::string(io::tunnelled_through(connection->peer().address)));
    co_return;
  }
  io::TaskGroup running(env.executor());
  running.spawn(connection->run());
  co_await services_.agents.follow(connection, who);
}

io::Task<void> InnerServer::serve_dialler(std::unique_ptr<io::Stream> stream, std::optional<Spiffe> who) {
  io::ServeStream serve = [this, who](std::shared_ptr<io::H2Stream> s) { return serve_one(std::move(s), who); };
  io::H2Connection connection(services_.env, std::move(stream), http::H2Role::Server, std::move(serve));
  if (who) served_.emplace(&connection, *who);
  struct Leave {
    std::map<io::H2Connection*, Spiffe>& served;
    io::H2Connection* one;
    ~Leave() { served.erase(one); }
  } const leave{served_, &connection};
  co_await connection.run();
}

io::Task<void> InnerServer::serve_one(std::shared_ptr<io::H2Stream> stream, std::optional<Spiffe> who) {
  const std::string path = stream->request().target;
  const Result<void> member = who ? check_member(services_.board, *who) : Result<void>();
  if (!member.ok()) {
    co_await answer_problem(std::move(stream), 403, "not_a_member", member.error().message);
  } else if (who && who->role == Role::Gateway) {
    co_await serve_peer(std::move(stream));
  } else if ((who && (path == "/inner/renew" || path == "/inner/records")) || (!who && path == "/inner/join")) {
    co_await relay_to_control(std::move(stream), path, who ? who->format().value_or("") : "");
  } else {
    co_await refuse_request(std::move(stream));
  }
}

void InnerServer::reconcile() {
  for (const auto& [connection, who] : served_) {
    if (auto member = check_member(services_.board, who); !member.ok()) {
      services_.env.log().warn("member_dropped", {{"who", who.format().value_or("")}, {"why", member.error().message}});
      connection->close();  // when it comes again it is told why
    }
  }
}

io::Task<void> InnerServer::refuse_request(std::shared_ptr<io::H2Stream> stream) {
  const std::string what = "this certificate may not ask for " + stream->request().target + " on the inner listener";
  co_await answer_problem(stream, 403, "not_allowed", what);
}

io::Task<void> InnerServer::serve_peer(std::shared_ptr<io::H2Stream> stream) {
  const std::string path = stream->request().target;
  if (path == "/inner/attempt") {
    HostedAttempt hosted(services_, std::move(stream));
    co_await hosted.run();
  } else if (path.starts_with("/inner/relay/")) {
    co_await services_.relays.serve(std::move(stream), path.substr(std::string_view("/inner/relay/").size()));
  } else if (path == "/inner/relayed") {
    co_await serve_relayed(std::move(stream));
  } else if (path == "/inner/rows") {
    co_await serve_rows(std::move(stream));
  } else if (path == "/inner/slot" && from_sibling(services_.board, *stream)) {
    co_await services_.slots.serve(std::move(stream));
  } else if (path == "/inner/kept") {
    co_await serve_kept(services_, std::move(stream));
  } else if (path == "/inner/distance") {
    co_await serve_distance(services_, std::move(stream));
  } else if (path == "/inner/refused") {
    co_await io::hear_refusal(services_.env, *stream, "gateway");
  } else if (path == "/inner/lease" || path.starts_with("/inner/lease/")) {
    co_await serve_lease(std::move(stream), path);
  } else {
    co_await refuse_request(std::move(stream));
  }
}

// A third gateway passes on to us what another says: a connection like any, with TLS of its own inside.
io::Task<void> InnerServer::serve_relayed(std::shared_ptr<io::H2Stream> stream) {
  const auto third = Spiffe::parse(stream->binding().peer.identity);
  if (!third.ok() || !io::tunnelled_through(stream->binding().peer.address).empty()) {
    co_await answer_problem(std::move(stream), 403, "not_allowed", "only a direct connection is passed on over");
    co_return;
  }
  if (!stream->respond({200, {}}).ok()) co_return;
  auto raw = io::tunnel(services_.env, std::move(stream), third->site);
  co_await serve(std::move(raw), true);
}

// Books are the main worker's.
io::Task<void> InnerServer::serve_lease(std::shared_ptr<io::H2Stream> stream, std::string path) {
  constexpr std::size_t kMostBody = std::size_t{1} << 20U;
  auto body = co_await stream->read_all(kMostBody);
  if (!body.ok()) co_return;
  std::function<io::Task<Result<LeaseHome::Answer>>()> ask = [leases = services_.office.leases, path, body = *body] {
    return leases->answer(path, body);
  };
  auto said = co_await services_.office.door.ask(services_.env, std::move(ask));
  if (!said.ok() || !stream->respond({said->first, {{"content-type", "application/json"}}}).ok()) co_return;
  auto sent = co_await stream->write(said->second);
  if (sent.ok()) (void)stream->end();
}

io::Task<void> InnerServer::serve_rows(std::shared_ptr<io::H2Stream> stream) {
  if (!stream->respond({200, {}}).ok()) co_return;
  for (;;) {
    if (services_.board.loaded()) {
      services_.queues.refresh_rows();
      const std::string line = inner::encode(site_report(services_.board));
      auto sent = co_await stream->write(line);
      if (!sent.ok()) co_return;
    }
    co_await services_.env.sleep_for(services_.options.cadence.site_rows_every);
  }
}

inner::SiteReport site_report(const Board& board) {
  inner::SiteReport report;
  report.site = board.site();
  report.gateway = board.gateway();
  report.bundle_version = board.held() ? board.held()->parsed.version : 0;
  const auto reading = [](float value) {
    inner::Reading r;
    r.has = value == value;  // not NaN
    r.value = r.has ? value : 0;
    return r;
  };
  const auto& tables = board.tables();
  const auto snapshot = board.snapshot();
  for (std::size_t d = 0; d < tables.deployments.size(); ++d) {
    if (!tables.deployments[d].sites.contains(board.here())) continue;
    const auto& row = snapshot.site_row(static_cast<routing::DeploymentIndex>(d), board.here());
    report.rows.push_back({tables.deployments[d].spec.name, row.ready_nodes, row.slots, row.free_slots, row.queued,
                           reading(row.wait_ms), reading(row.prefill_tokens_per_s), reading(row.decode_tokens_per_s)});
  }
  return report;
}

io::Task<void> InnerServer::relay_to_control(std::shared_ptr<io::H2Stream> stream, std::string path, std::string peer) {
  auto body = co_await stream->read_all(kMaxJoinBody);
  if (!body.ok()) {
    if (body.error().code == Code::ResourceExhausted) {
      co_await answer_problem(stream, 413, "body_too_large", "a join or renewal fits in 64 KiB");
    }
    co_return;
  }
  std::function<io::Task<Result<io::InnerAnswer>>()> ask = [control = services_.office.control, path = std::move(path),
                                                            body = std::move(*body), peer = std::move(peer)] {
    return control->exchange(path, body, peer);
  };
  auto reply = co_await services_.office.door.ask(services_.env, std::move(ask));
  if (!reply.ok()) {
    co_await answer_problem(stream, 503, "control_unreachable", reply.error().message);
    co_return;
  }
  if (!stream->respond({reply->status, {{"content-type", "application/json"}}}).ok()) co_return;
  auto sent = co_await stream->write(reply->body);
  if (sent.ok()) (void)stream->end();
}

}  // namespace aigrid::gateway
