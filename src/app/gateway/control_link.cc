#include "app/gateway/control_link.h"

#include <chrono>
#include <utility>

#include "format/json/json.h"
#include "io/client/backoff.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/client/update_stream.h"
#include "io/env/seed.h"

namespace aigrid::gateway {

using json::Json;

ControlLink::ControlLink(Services& services, io::Membership& membership, Hooks hooks)
    : services_(services),
      env_(services.env),
      membership_(membership),
      hooks_(std::move(hooks)),
      status_due_(services.env.executor()) {}

Result<void> ControlLink::load_held() {
  AIGRID_TRY(const std::string bytes, env_.files().read_all(services_.options.state + "/bundle"));
  AIGRID_TRY(auto held, bundle::decode_held(bytes, membership_.identity().bundle_key));
  AIGRID_TRY(auto law, compile_law(std::make_shared<const bundle::Held>(std::move(held)), unix_seconds(env_.wall())));
  hooks_.adopt(std::move(law));
  return {};
}

io::Task<void> ControlLink::run() {
  const auto& cadence = services_.options.cadence;
  io::Backoff backoff(random_seed(env_), {cadence.redial_least, cadence.redial_most});
  for (;;) {
    io::InnerDial what;
    what.to = services_.options.control;
    what.grid = membership_.name().grid;
    what.role = Role::Control;
    what.within = cadence.dial_within;
    what.h2.ping_every = cadence.ping_every;
    what.h2.ping_within = cadence.ping_within;
    auto dialled = co_await io::dial_inner(env_, membership_.tls(), std::move(what));
    if (dialled.ok()) {
      const Time since = env_.now();
      connection_ = std::move(*dialled);
      env_.log().note("control_connected");
      hooks_.control_is(true);
      {
        io::TaskGroup tasks(env_.executor());
        tasks.spawn(follow_bundle(connection_));
        tasks.spawn(send_status(connection_));
        co_await connection_->run();
      }
      connection_.reset();
      hooks_.control_is(false);
      env_.log().warn("control_lost");
      if (env_.now() - since >= cadence.ping_within) backoff.succeeded();
    }
    co_await env_.sleep_for(backoff.failed());
  }
}

io::Task<void> ControlLink::follow_bundle(std::shared_ptr<io::H2Connection> connection) {
  auto stream = connection->open({"POST", "/inner/bundle", {{"host", "control"}}}, false);
  if (!stream.ok()) co_return;
  Json hello = Json::object();
  if (const auto& held = services_.board.held()) {
    hello["version"] = held->parsed.version;
    hello["sections"] = bundle::held_hashes(*held);
  }
  const std::string question = json::dump(hello) + "\n";
  auto sent = co_await (*stream)->write(question);
  if (!sent.ok()) co_return;
  if (const auto why = co_await io::refusal_of(**stream)) {
    env_.log().fail("refused_by_control", {{"why", *why}});
    connection->close();
    co_return;
  }
  io::UpdateReader updates(**stream, io::kMaxUpdateToGateway);
  for (;;) {
    auto update = co_await updates.next();
    if (!update.ok() || !update->has_value()) break;
    auto next = applied(**update);
    if (next.ok()) {
      adopt(std::move(*next));
      continue;
    }
    refused(next.error().message);
    if (next.error().code != Code::PermissionDenied) break;  // perhaps the base was wrong: ask again from what we hold
  }
  connection->close();  // a new connection starts from what we hold
}

Result<bundle::Held> ControlLink::applied(const bundle::Update& update) const {
  const auto& key = membership_.identity().bundle_key;
  const auto held = services_.board.held() ? services_.board.held() : std::make_shared<const bundle::Held>();
  return bundle::apply(*held, update, key, bundle::Scope::Gateway, {});
}

void ControlLink::refused(const std::string& why) {
  bundle_error_ = why;
  ++services_.meters.bundles_refused;
  env_.log().fail("bundle_refused", {{"why", why}});
  status_due_.set();
}

void ControlLink::adopt(bundle::Held held) {
  auto law = compile_law(std::make_shared<const bundle::Held>(std::move(held)), unix_seconds(env_.wall()));
  if (!law.ok()) {
    refused(law.error().message);
    return;
  }
  bundle_error_.clear();
  ++services_.meters.bundles_applied;
  unsaved_ = true;
  const std::uint64_t version = (*law)->held->parsed.version;
  hooks_.adopt(std::move(*law));
  save_held();
  env_.log().note("bundle_applied", {{"version", version}});
  status_due_.set();
}

void ControlLink::save_held() {
  if (!unsaved_) return;
  const auto& held = services_.board.held();
  auto saved = env_.files().replace(services_.options.state + "/bundle", bundle::encode(*held));
  unsaved_ = !saved.ok();
  if (unsaved_) {
    env_.log().warn("bundle_not_saved",
                    {{"version", held->parsed.version}, {"why", saved.error().message + "; it is tried again"}});
  }
}

io::Task<void> ControlLink::send_status(std::shared_ptr<io::H2Connection> connection) {
  auto stream = connection->open({"POST", "/inner/status", {{"host", "control"}}}, false);
  if (!stream.ok()) co_return;
  auto tick = env_.timer([this] { status_due_.set(); });
  for (;;) {
    const std::string line = status_line();
    auto sent = co_await (*stream)->write(line);
    if (!sent.ok()) co_return;
    tick->arm(env_.now() + services_.options.cadence.status_every);
    co_await status_due_.wait();
  }
}

std::string ControlLink::status_line() const {
  const Totals totals = hooks_.totals();
  Json status{{"gateway", services_.board.gateway()},
              {"workers", services_.options.workers},
              {"bundle_version", totals.bundle_version},
              {"wall_ms", unix_ms(env_.wall())},
              {"requests_total", totals.requests},
              {"nodes", Json::array()},
              {"links", Json::array()}};
  if (!bundle_error_.empty()) status["bundle_error"] = bundle_error_;
  if (!totals.records_error.empty()) status["records_error"] = totals.records_error;
  for (const auto& [node, seen] : services_.agents.seen()) {
    Json report = Json::parse(inner::encode(seen.report), nullptr, false);
    report["node"] = node;
    report["bundle_version"] = seen.bundle_version;
    if (!seen.bundle_error.empty()) report["bundle_error"] = seen.bundle_error;
    status["nodes"].push_back(std::move(report));
  }
  for (const auto& link : services_.peers.links()) {
    status["links"].push_back({{"site", link.site},
                               {"up", link.row.up},
                               {"via", link.via},
                               {"rtt_ms", link.row.rtt_ms},
                               {"jitter_ms", link.row.jitter_ms},
                               {"losses", link.row.losses}});
  }
  return json::dump(status) + "\n";
}

io::Task<Result<io::InnerAnswer>> ControlLink::exchange(std::string path, std::string body, std::string peer) {
  if (!connected()) co_return unavailable("control is not connected: try again later");
  http::Headers headers;
  if (!peer.empty()) headers.add("x-aigrid-peer", peer);
  const auto connection = connection_;
  co_return co_await io::ask_inner(env_, *connection, std::move(path), std::move(body),
                                   services_.options.cadence.ask_within, std::move(headers));
}

io::Task<Result<io::RenewAnswer>> ControlLink::renew(std::string csr) {
  if (!connected()) co_return unavailable("control is not connected: the certificate is renewed when it is back");
  auto connection = connection_;
  co_return co_await io::ask_renewal(env_, *connection, std::move(csr));
}

}  // namespace aigrid::gateway
