#include "app/control/control.h"

#include "app/control/audit_log.h"
#include "app/control/closer.h"
#include "app/control/inner_service.h"
#include "app/control/management_api.h"
#include "app/control/placing.h"
#include "io/client/ops_server.h"
#include "io/store/epoch.h"
#include "io/store/join_tokens.h"
#include "io/store/records.h"

namespace aigrid::control {

namespace {

// Control renews its own certificate with its own authority.
io::Task<Result<io::RenewAnswer>> renew_own(io::Env& env, const Authority& authority, std::string csr) {
  auto chain = authority.issue(env, csr, io::control_name(authority.grid()));
  if (!chain.ok()) co_return std::move(chain).error();
  co_return io::RenewAnswer{std::move(*chain), {authority.root()}};
}

Result<std::shared_ptr<io::Database>> open_database(io::Env& env, const std::string& state) {
  char bytes[sizeof(std::uint64_t)];
  env.entropy(bytes);
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes, sizeof seed);
  AIGRID_TRY(auto database, io::Database::open(env.files(), state + "/control.db", seed, env.wall()));
  AIGRID_CHECK_OK(io::JoinTokens(*database).prepare());
  AIGRID_CHECK_OK(io::RecordTable(*database).prepare());
  return std::shared_ptr<io::Database>(std::move(database));
}

Result<void> ready(const Services& services) {
  const auto& held = services.publisher.current();
  if ((held ? held->parsed.version : 0) != services.catalog.revision())
    return unavailable("the newest bundle is not published yet");
  return {};
}

std::string metrics(const Services& services, const InnerService& inner) {
  const auto& held = services.publisher.current();
  std::string out;
  auto add = [&out](const char* name, const char* type, const char* unit_and_meaning, std::uint64_t value) {
    out += std::string("# TYPE ") + name + " " + type + "\n# HELP " + name + " " + unit_and_meaning + "\n" + name +
           (std::string_view(type) == "counter" ? "_total " : " ") + std::to_string(value) + "\n";
  };
  add("aigrid_control_revision", "gauge", "Revision of the configuration.", services.catalog.revision());
  add("aigrid_control_bundle_version", "gauge", "Version published.", held ? held->parsed.version : 0);
  add("aigrid_control_inner_connections", "gauge", "Connections on the inner listener.", inner.connections());
  add("aigrid_control_management_requests", "counter", "Requests to the management API.", services.management_requests);
  add("aigrid_control_records", "counter", "Records taken, each once.", services.records_fresh);
  add("aigrid_control_records_repeated", "counter", "Records that came again.", services.records_repeated);
  add("aigrid_control_work_records", "counter", "Agents' records of attempts taken, each once.", services.work_fresh);
  add("aigrid_control_records_conflicting", "counter", "Records that came again with other content.",
      services.records_conflicting);
  add("aigrid_control_records_unknown", "counter", "Records of tenants or models that control does not know.",
      services.records_unknown);
  add("aigrid_control_records_suspect", "counter", "Records whose counts of node and ingress do not fit.",
      services.records_suspect);
  add("aigrid_control_requests_closed", "counter", "Requests that control closed because their ingress was lost.",
      services.requests_closed);
  add("aigrid_control_audit_logs_refused", "counter", "Audit logs that did not go on from what was seen of them.",
      services.audit.refused());
  add("aigrid_control_joins_denied", "counter", "Joins denied.", services.joins_denied);
  return out + "# EOF\n";
}

io::ServerLimits management_limits(const ControlOptions& options) {
  io::ServerLimits limits;
  limits.parse.body_bytes = options.limits.body_bytes;
  limits.connections = options.limits.connections;
  limits.error_body = [](int status, std::string_view message, http::Headers&) {
    return to_json({status, "invalid_request", std::string(message), "correct the request", {}}, "");
  };
  return limits;
}

io::Task<void> run_ops_for_ever(io::Env& env, std::unique_ptr<io::Listener> listener, io::OpsCallbacks callbacks) {
  co_await io::serve_ops(env, std::move(listener), std::move(callbacks));
}

int cannot_start(io::Env& env, const Error& error) {
  env.log().fail("cannot_start", {{"why", error.message}});
  return 1;
}

struct Listeners {
  std::unique_ptr<io::Listener> management;
  std::unique_ptr<io::Listener> inner;
  std::unique_ptr<io::Listener> ops;
};

Result<Listeners> listen(io::Env& env, const ControlOptions& options) {
  Listeners out;
  auto open = [&env](const io::Address& at, const char* name, std::unique_ptr<io::Listener>& into) -> Result<void> {
    if (at.empty()) return {};
    AIGRID_TRY(into, env.listen(at, {}));
    env.log().note("listening", {{"listener", name}, {"address", into->address()}});
    return {};
  };
  AIGRID_CHECK_OK(open(options.management, "management", out.management));
  AIGRID_CHECK_OK(open(options.inner, "inner", out.inner));
  AIGRID_CHECK_OK(open(options.ops, "ops", out.ops));
  return out;
}

}  // namespace

io::Task<int> run_control(io::Env& env, ControlOptions options) {
  if (auto made = env.files().make_folders(options.state); !made.ok()) co_return cannot_start(env, made.error());
  const auto epoch = io::raise_epoch(env.files(), options.state + "/epoch", env.wall());
  if (!epoch.ok()) co_return cannot_start(env, epoch.error());
  const auto authority = Authority::load_or_make(env, options);
  if (!authority.ok()) co_return cannot_start(env, authority.error());
  auto admin_key = load_or_make_admin_key(env, options);
  if (!admin_key.ok()) co_return cannot_start(env, admin_key.error());
  auto own = authority->own_identity(env);
  if (!own.ok()) co_return cannot_start(env, own.error());
  auto membership = io::Membership::make(env, "", std::move(*own));
  if (!membership.ok()) co_return cannot_start(env, membership.error());
  auto database = open_database(env, options.state);
  if (!database.ok()) co_return cannot_start(env, database.error());
  io::DatabaseDoor door(env, std::move(*database));
  Catalog catalog(env, door);
  const Result<void> loaded = co_await catalog.load();
  if (!loaded.ok()) co_return cannot_start(env, loaded.error());
  Admins admins(env, door, *admin_key);
  const Result<void> known = co_await admins.load();
  if (!known.ok()) co_return cannot_start(env, known.error());
  auto wrap = io::web_wrap(env, "management", options.management, options.management_tls);
  if (!wrap.ok()) co_return cannot_start(env, wrap.error());
  auto listeners = listen(env, options);
  if (!listeners.ok()) co_return cannot_start(env, listeners.error());

  auto audit = AuditLog::open(env, options.state, *authority, *epoch);
  if (!audit.ok()) co_return cannot_start(env, audit.error());

  Publisher publisher(env, *authority, catalog, options.limits);
  Board board;
  Services services{env, options, *authority, door, catalog, publisher, board, **membership, admins, **audit, *epoch};
  ManagementApi management(services);
  InnerService inner(services);
  const io::ServerLimits limits = management_limits(options);
  io::TaskGroup clients(env.executor());
  io::TaskGroup tasks(env.executor());
  tasks.spawn(publisher.run());
  tasks.spawn(close_orphans(services));
  tasks.spawn(watch_placing(services));
  tasks.spawn(settle_attempts(services));
  tasks.spawn((*audit)->follow(catalog, door, options.limits.watch_batch));
  io::AskRenewal renewal = [&env, &authority](std::string csr) { return renew_own(env, *authority, std::move(csr)); };
  tasks.spawn(io::keep_renewed(env, **membership, std::move(renewal)));
  if (listeners->management) {
    io::ServeFn serve = [&management](io::Exchange& exchange) { return management.serve(exchange); };
    tasks.spawn(io::serve_listener(env, *listeners->management, clients, limits, std::move(serve), *wrap));
  }
  if (listeners->inner) tasks.spawn(inner.run(std::move(listeners->inner)));
  if (listeners->ops) {
    io::OpsCallbacks callbacks{[&services] { return ready(services); },
                               [&services, &inner] { return metrics(services, inner); }};
    tasks.spawn(run_ops_for_ever(env, std::move(listeners->ops), std::move(callbacks)));
  }
  co_await env.stop_requested().wait();
  env.log().note("stopping");
  co_return 0;
}

}  // namespace aigrid::control
