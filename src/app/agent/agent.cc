#include "app/agent/agent.h"

#include <chrono>
#include <memory>
#include <utility>

#include "app/agent/attempt.h"
#include "app/agent/node.h"
#include "core/ledger/terms.h"
#include "io/client/backoff.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/client/join.h"
#include "io/client/ops_server.h"
#include "io/env/seed.h"

namespace aigrid::agent {

Node::Node(io::Env& env, const AgentOptions& options, std::unique_ptr<io::Membership> membership,
           std::unique_ptr<WorkRecords> records)
    : env_(env),
      options_(options),
      membership_(std::move(membership)),
      records_(std::move(records)),
      bundle_(env, options.state, options.name, membership_->identity().bundle_key),
      engines_(env, options_, {[this] { reports_.kick(); }, [this](grid::AgentRecord r) { write_work(std::move(r)); }}),
      telemetry_(env, options.system_root, options.state),
      reports_(env, options.cadence.report_every, [this] { return report(); }),
      services_{env, options_, membership_->name().site, bundle_, engines_, counters_, *records_},
      tasks_(env.executor()) {
  bundle_.on_change([this] {
    engines_.reconcile(*bundle_.view(), services_.site);
    if (running_) open_doors();
  });
}

io::Task<int> Node::run(std::unique_ptr<io::Listener> ops) {
  if (auto loaded = bundle_.load(); !loaded.ok() && loaded.error().code != Code::NotFound) {
    env_.log().fail("held_bundle_refused", {{"why", loaded.error().message}});
  }
  running_ = true;
  open_doors();
  tasks_.spawn(io::keep_renewed(env_, *membership_, [this](std::string csr) { return renew(std::move(csr)); }));
  tasks_.spawn(read_telemetry());
  tasks_.spawn(records_->ship([this] { return dial_to_ask(); }));
  if (ops) {
    io::OpsCallbacks callbacks{[this] { return ready(); }, [this] { return metrics(); }};
    tasks_.spawn(io::serve_ops(env_, std::move(ops), std::move(callbacks)));
  }
  env_.log().note("agent_started", {{"name", options_.name}, {"site", services_.site}});
  co_await env_.stop_requested().wait();
  services_.draining = true;
  reports_.kick();
  co_await drain();
  co_await engines_.stop_all();
  env_.log().note("agent_stopped");
  co_return 0;
}

// Until the last attempt ended, or the patience did.
io::Task<void> Node::drain() {
  const Time until = env_.now() + options_.cadence.drain_within;
  while (engines_.running() > 0 && env_.now() < until) co_await env_.sleep_for(options_.cadence.report_every);
  if (engines_.running() > 0) env_.log().warn("attempts_cut_by_stop", {{"running", engines_.running()}});
}

const grid::Gateway* Node::find(const std::string& gateway) const {
  if (!bundle_.view()) return nullptr;
  for (const auto& g : bundle_.view()->inventory.gateways) {
    if (g.name == gateway) return &g;
  }
  return nullptr;
}

// The bundle names the gateways of this site; before there is one, the address we were given leads to one of them.
void Node::open_doors() {
  const auto keep = [this](Door door) {
    if (doors_.insert(door).second) tasks_.spawn(keep_connected(std::move(door)));
  };
  const auto named = bundle_.view() ? bundle_.view()->inventory.gateways : std::vector<grid::Gateway>{};
  for (const auto& g : named) {
    if (given_.empty() && (named.size() == 1 || g.inner_address == options_.gateway)) given_ = g.name;
  }
  for (const auto& g : named) {
    for (std::uint32_t worker = 0; worker < g.workers; ++worker) keep({g.name, worker});
  }
  if (doors_.empty()) keep({});
}

// Nothing: nobody is to be dialled any more.
std::optional<io::Address> Node::address_of(const Door& door) const {
  const grid::Gateway* known = find(door.gateway);
  if (door.worker > 0 && (known == nullptr || door.worker >= known->workers)) return std::nullopt;
  if (door.gateway.empty() || door.gateway == given_) return options_.gateway;
  return known != nullptr ? std::optional(known->inner_address) : std::nullopt;
}

bool Node::reached(Door& door, const std::string& identity, bool at_given) {
  const auto who = Spiffe::parse(identity);
  if (!who.ok()) return false;
  if (who->id == door.gateway) return true;
  // At the address we were given there may be another gateway than the last time.
  if (at_given) given_ = who->id;
  if (!at_given || !doors_.insert({who->id, door.worker}).second) {
    env_.log().warn("wrong_gateway", {{"wanted", door.gateway}, {"answered", who->id}});
    return false;
  }
  doors_.erase(door);
  door.gateway = who->id;
  return true;
}

io::Task<void> Node::keep_connected(Door door) {
  io::Backoff backoff(random_seed(env_));
  while (const auto address = address_of(door)) {
    const bool at_given = door.gateway.empty() || door.gateway == given_;
    io::InnerDial what = dial(*address, io::kAlpnServe);
    what.worker = door.worker;
    what.serve = [this](std::shared_ptr<io::H2Stream> stream) { return serve(std::move(stream)); };
    what.h2.ping_every = options_.cadence.ping_every;
    what.h2.ping_within = options_.cadence.ping_within;
    auto connection = co_await io::dial_inner(env_, membership_->tls(), std::move(what));
    if (connection.ok() && reached(door, (*connection)->peer().identity, at_given)) {
      const Time since = env_.now();
      connected_.insert(door.gateway);
      ++counters_.gateway_connections;
      env_.log().note("gateway_connected", {{"gateway", door.gateway}, {"at", *address}});
      co_await (*connection)->run();
      connected_.erase(connected_.find(door.gateway));
      env_.log().warn("gateway_lost", {{"gateway", door.gateway}, {"at", *address}});
      // A gateway that takes us and drops us at once is no better than one that does not answer.
      if (env_.now() - since >= options_.cadence.ping_within) backoff.succeeded();
    } else if (!connection.ok()) {
      env_.log().warn("gateway_unreachable", {{"gateway", *address}, {"why", connection.error().message}});
    }
    co_await env_.sleep_for(backoff.failed());
  }
  doors_.erase(door);
}

io::InnerDial Node::dial(io::Address to, std::string alpn) const {
  io::InnerDial what;
  what.to = std::move(to);
  what.alpn = std::move(alpn);
  what.grid = membership_->name().grid;
  what.role = Role::Gateway;
  what.site = membership_->name().site;
  return what;
}

io::Address Node::any_door() const {
  if (connected_.empty() || connected_.contains(given_)) return options_.gateway;
  return address_of(Door{*connected_.begin(), 0}).value_or(options_.gateway);
}

io::Task<Result<std::unique_ptr<io::H2Connection>>> Node::dial_to_ask() {
  return io::dial_inner(env_, membership_->tls(), dial(any_door(), io::kAlpnAsk));
}

// On a connection of its own: on the one that serves, we never ask.
io::Task<Result<io::RenewAnswer>> Node::renew(std::string csr) {
  auto connection = co_await dial_to_ask();
  if (!connection.ok()) co_return std::move(connection).error();
  io::TaskGroup running(env_.executor());
  running.spawn((*connection)->run());
  auto answer = co_await io::ask_renewal(env_, **connection, std::move(csr));
  running.cancel();
  co_return answer;
}

io::Task<void> Node::serve(std::shared_ptr<io::H2Stream> stream) {
  const std::string& method = stream->request().method;
  const std::string& path = stream->request().target;
  if (method == "POST" && path == "/inner/attempt") {
    Attempt attempt(services_, stream);
    co_await attempt.run();
  } else if (method == "POST" && path == "/inner/bundle") {
    co_await bundle_.serve(stream);
  } else if (method == "GET" && path == "/inner/up") {
    co_await reports_.serve(stream);
  } else if (method == "POST" && path == "/inner/refused") {
    co_await io::hear_refusal(env_, *stream, options_.gateway);
  } else {
    (void)stream->respond({404, {}}, true);
  }
}

io::Task<void> Node::read_telemetry() {
  for (;;) {
    const auto gpus = co_await env_.gpus();
    telemetry_.read(gpus);
    bundle_.renew();  // what has expired stops, whether or not requests come
    co_await env_.sleep_for(options_.cadence.telemetry_every);
  }
}

void Node::write_work(grid::AgentRecord record) {
  record.request_id = record.finish;
  record.tenant = ledger::kPlatformTenant;
  records_->write(std::move(record));
}

inner::NodeReport Node::report() const {
  inner::NodeReport out;
  out.node = options_.name;
  out.bundle_version = bundle_.version();
  out.engines = engines_.reports();
  if (services_.draining) {
    for (auto& engine : out.engines) engine.state = "stopping";
  }
  const grid::Node* self = nullptr;
  if (const auto& view = bundle_.view()) {
    for (const auto& node : view->inventory.nodes) {
      if (node.name == options_.name) self = &node;
    }
  }
  telemetry_.fill(out, self);
  return out;
}

// Could an attempt really run here now?
Result<void> Node::ready() const {
  if (services_.draining) return unavailable("stopping");
  if (!bundle_.view()) return unavailable("no bundle yet: the gateway has not been reached since the join");
  if (connected_.empty()) return unavailable("no connection to the gateway at " + options_.gateway);
  return engines_.all_ready();
}

io::Task<int> run_agent(io::Env& env, AgentOptions options) {
  const auto failed = [&env](const char* event, const Error& error) {
    env.log().fail(event, {{"why", error.message}});
    return 1;
  };
  auto made = env.files().make_folders(options.state);
  if (!made.ok()) co_return failed("state_unusable", made.error());
  std::unique_ptr<io::Listener> ops;
  if (!options.ops.empty()) {
    auto listener = env.listen(options.ops, {});
    if (!listener.ok()) co_return failed("ops_listener_failed", listener.error());
    ops = std::move(*listener);
  }
  io::JoinOptions join;
  join.through = options.gateway;
  join.token = options.token;
  join.role = Role::Agent;
  join.name = options.name;
  auto identity = co_await io::load_or_join(env, options.state, std::move(join));
  if (!identity.ok()) co_return failed("join_failed", identity.error());
  auto membership = io::Membership::make(env, options.state, std::move(*identity));
  if (!membership.ok()) co_return failed("identity_unusable", membership.error());
  // A node is who its certificate says; a name given by hand only asks for one.
  options.name = (*membership)->name().id;
  auto records = WorkRecords::open(env, options.state, options.name, (*membership)->name().site, options.cadence);
  if (!records.ok()) co_return failed("spool_unusable", records.error());
  Node node(env, options, std::move(*membership), std::move(*records));
  co_return co_await node.run(std::move(ops));
}

}  // namespace aigrid::agent
