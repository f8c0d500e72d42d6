#include "world/grid.h"

#include <algorithm>

#include "io/pki/virtual_keys.h"
#include "io/tls/virtual_tls.h"

namespace aigrid::world {

using nlohmann::json;

namespace {

constexpr const char* kAdminKey = "the-admin-key-of-this-world";
constexpr const char* kControl = "control/control";
constexpr const char* kAdmin = "control/admin";
constexpr const char* kManagement = "127.9.0.1:7000";
constexpr const char* kInner = "10.9.0.1:7001";
constexpr const char* kModels = "/models";

std::string state_of(const std::string& host) { return "/var/" + host.substr(host.find('/') + 1); }

io::WorldOptions world_options(const GridOptions& options) {
  io::WorldOptions out;
  out.keep_event_log = options.event_log;
  out.window = options.window;
  out.log_level = options.log_level;
  out.tls = [](io::Env&) { return std::make_shared<io::VirtualTls>(); };
  out.keys = [](io::Env& env) {
    return std::make_shared<io::VirtualKeys>([&env](std::span<char> into) { env.entropy(into); });
  };
  return out;
}

json resource(const char* kind, const std::string& name, json spec) {
  return {{"apiVersion", "aigrid/v1"}, {"kind", kind}, {"metadata", {{"name", name}}}, {"spec", std::move(spec)}};
}

int number_of(const std::string& site) {
  static const std::vector<std::string> kSites = {"lyon", "paris", "zurich", "nice", "lille", "metz"};
  return 1 + static_cast<int>(std::find(kSites.begin(), kSites.end(), site) - kSites.begin());
}

}  // namespace

WorldGrid::WorldGrid(GridOptions options)
    : options_(std::move(options)),
      engines_(options_.engine),
      world_(std::make_unique<io::VirtualWorld>(options_.seed, world_options(options_))) {
  world_->register_program("python3", engines_.program());
  world_->add_host(kControl);
  world_->add_host(kAdmin);
  for (const auto& site : options_.sites) {
    for (int g = 1; g <= gateways_of(site); ++g) world_->add_host(gateway_host(site, g));
    world_->add_host(site + "/client");
  }
  for (const auto& node : nodes()) {
    auto& env = world_->add_host(node_host(node));
    (void)env.files().make_folders(kModels);
    (void)env.files().replace(std::string(kModels) + "/small.gguf", "weights");
  }
  world_->set_link("paris", "lyon", {4ms, 500us});
  world_->set_link("paris", "zurich", {8ms, 1ms});
  world_->set_link("lyon", "zurich", {4ms, 500us});
  for (const auto& site : options_.sites) world_->set_link("control", site, {10ms, 2ms});
}

io::Address WorldGrid::public_of(const std::string& site) {
  return "127.9.1." + std::to_string(number_of(site)) + ":8080";
}
io::Address WorldGrid::inner_of(const std::string& site, int number) {
  return "127.9.1." + std::to_string(number_of(site)) + ":" + std::to_string(8080 + number);
}

int WorldGrid::gateways_of(const std::string& site) const {
  const auto found = options_.gateways.find(site);
  return found == options_.gateways.end() ? 1 : found->second;
}

std::vector<std::string> WorldGrid::nodes() const {
  std::vector<std::string> out;
  for (const auto& site : options_.sites) {
    out.push_back(site + "-1");
    if (site == "paris") out.push_back("paris-2");
  }
  return out;
}

EngineCounts WorldGrid::counted(const std::string& node) const {
  return engines_.counts("unix:" + state_of(node_host(node)) + "/engines/small.sock");
}

int WorldGrid::exit_code(const std::string& host) const {
  const auto it = exit_codes_.find(host);
  return it == exit_codes_.end() ? -1 : it->second;
}

json WorldGrid::configuration() const {
  json all = json::array();
  all.push_back(resource("Operator", "op", {{"legal_name", "Op SA"}, {"control", {"FR"}}}));
  for (const auto& site : options_.sites) {
    json spec{{"kind", "metro"},
              {"operator", "op"},
              {"country", country_of(site)},
              {"jurisdiction", country_of(site)},
              {"lat", 46.0 + number_of(site)},
              {"lon", 4.0}};
    all.push_back(resource("Site", site, std::move(spec)));
  }
  for (const auto& node : nodes())
    all.push_back(resource("Node", node, {{"site", site_of(node)}, {"nameplate_w", 500}}));
  for (std::size_t a = 0; a < options_.sites.size(); ++a) {
    for (std::size_t b = a + 1; b < options_.sites.size(); ++b) {
      const auto& x = options_.sites[a];
      const auto& y = options_.sites[b];
      all.push_back(resource("Link", x + "-" + y, {{"a", x}, {"b", y}, {"rtt_ms", 10}}));
    }
  }
  all.push_back(resource("Zone", "fr", {{"jurisdictions", {"FR"}}}));
  all.push_back(resource("Zone", "ch", {{"jurisdictions", {"CH"}}}));
  all.push_back(resource("Zone", "both", {{"jurisdictions", {"CH", "FR"}}}));
  all.push_back(resource("Model", "small", {{"source", "small.gguf"}, {"context_tokens", options_.context_tokens}}));
  all.push_back(resource("Deployment", "small",
                         {{"model", "small"},
                          {"driver", "llama.cpp"},
                          {"nodes", nodes()},
                          {"slots", options_.slots},
                          {"context_tokens", options_.context_tokens},
                          {"max_output_tokens", 64}}));
  // What the platform permits: everything, everywhere; the tenants' own zones narrow it.
  all.push_back(resource("Policy", "anywhere", {{"permit", {{{"actions", {"*"}}, {"zone", "*"}}}}}));
  all.push_back(resource("Tenant", "free", json::object()));
  all.push_back(resource("Tenant", "mairie", {{"zone", "fr"}}));
  return {{"resources", all}};
}

bool WorldGrid::start() {
  start_control();
  if (!configure()) return false;
  for (const auto& site : options_.sites) {
    for (int g = 1; g <= gateways_of(site); ++g) {
      start_gateway(site, join_token("gateway", site, gateway_name(site, g)), g);
    }
  }
  for (const auto& node : nodes()) start_agent(node, join_token("agent", site_of(node), node));
  return wait_ready();
}

bool WorldGrid::configure() {
  // Control needs a moment to listen; the call is repeated until it does.
  io::ManagementAnswer applied;
  for (int i = 0; i < 20 && !applied.ok(); ++i) {
    applied = call("POST", "/api/v1/apply", configuration());
    if (!applied.ok()) world_->run_for(50ms);
  }
  if (!applied.ok()) {
    std::fprintf(stderr, "apply: %d %s\n", applied.status, applied.body.c_str());
    return false;
  }
  const auto key = [&](const char* tenant) {
    const json made = json::parse(call("POST", "/api/v1/api-keys", {{"tenant", tenant}}).body, nullptr, false);
    return made.is_object() ? made.value("key", "") : "";
  };
  free_key_ = key("free");
  fr_key_ = key("mairie");
  return !free_key_.empty() && !fr_key_.empty();
}

std::string WorldGrid::join_token(const std::string& role, const std::string& site, const std::string& name,
                                  std::int64_t ttl_s) {
  const json ask{{"role", role}, {"site", site}, {"name", name}, {"ttl_s", ttl_s}};
  const json made = json::parse(call("POST", "/api/v1/join-tokens", ask).body, nullptr, false);
  return made.is_object() ? made.value("token", "") : "";
}

void WorldGrid::start_control() {
  world_->spawn(kControl, [this](io::Env& env) { return run_control(env); });
}
void WorldGrid::start_gateway(const std::string& site, const std::string& token, int number) {
  world_->spawn(gateway_host(site, number),
                [this, site, token, number](io::Env& env) { return run_gateway(env, site, token, number); });
}
void WorldGrid::start_agent(const std::string& node, const std::string& token) {
  world_->spawn(node_host(node), [this, node, token](io::Env& env) { return run_agent(env, node, token); });
}
void WorldGrid::restart_control() {
  world_->restart(kControl);
  start_control();
}
void WorldGrid::restart_gateway(const std::string& site, int number) {
  world_->restart(gateway_host(site, number));
  start_gateway(site, "", number);
}
void WorldGrid::restart_agent(const std::string& node) {
  world_->restart(node_host(node));
  start_agent(node, "");
}
void WorldGrid::kill_site(const std::string& site) {
  for (int g = 1; g <= gateways_of(site); ++g) world_->kill(gateway_host(site, g));
  for (const auto& node : nodes()) {
    if (site_of(node) == site) world_->kill(node_host(node));
  }
}
void WorldGrid::restart_site(const std::string& site) {
  for (int g = 1; g <= gateways_of(site); ++g) restart_gateway(site, g);
  for (const auto& node : nodes()) {
    if (site_of(node) == site) restart_agent(node);
  }
}

io::Task<void> WorldGrid::run_control(io::Env& env) {
  control::ControlOptions o;
  o.state = state_of(kControl);
  o.management = kManagement;
  o.inner = kInner;
  o.grid = "world";
  o.admin_key = kAdminKey;
  if (options_.control) options_.control(o);
  exit_codes_[kControl] = -1;
  exit_codes_[kControl] = co_await control::run_control(env, std::move(o));
}

io::Task<void> WorldGrid::run_gateway(io::Env& env, std::string site, std::string token, int number) {
  const std::string host = gateway_host(site, number);
  gateway::GatewayOptions o;
  o.state = "/var/" + gateway_name(site, number);
  o.name = gateway_name(site, number);
  o.control = kInner;
  o.token = std::move(token);
  o.public_address = public_of(site);
  o.inner = inner_of(site, number);
  o.share_public_port = gateways_of(site) > 1;
  if (const auto workers = options_.workers.find(site); workers != options_.workers.end()) o.workers = workers->second;
  if (options_.gateway) options_.gateway(host, o);
  exit_codes_[host] = -1;
  exit_codes_[host] = co_await gateway::run_gateway(env, std::move(o));
}

io::Task<void> WorldGrid::run_agent(io::Env& env, std::string node, std::string token) {
  const std::string host = node_host(node);
  agent::AgentOptions o;
  o.state = state_of(host);
  o.name = node;
  o.gateway = inner_of(site_of(node));
  o.token = std::move(token);
  o.python = "python3";
  o.engines_folder = "/engines";
  o.models_folder = kModels;
  if (options_.agent) options_.agent(host, o);
  exit_codes_[host] = -1;
  if (options_.node) {
    exit_codes_[host] = co_await options_.node(env, std::move(o));
    co_return;
  }
  exit_codes_[host] = co_await agent::run_agent(env, std::move(o));
}

bool WorldGrid::wait_ready(Duration within) {
  world_->run_for(100ms);  // until everybody has noticed what was done last
  return wait_status("/api/v1/status", [this](const json& status) { return ready(status); }, within);
}

bool WorldGrid::ready(const json& status) const {
  const auto version = status.value("version", std::uint64_t{0});
  std::size_t gateways = 0;
  std::size_t engines = 0;
  std::size_t links = 0;
  for (const auto& g : status["gateways"]) {
    gateways += g.value("connected", false) && g.value("bundle_version", std::uint64_t{0}) == version ? 1 : 0;
  }
  for (const auto& n : status["nodes"]) {
    if (!n.value("connected", false) || !n.contains("report") || n.value("bundle_version", std::uint64_t{0}) != version)
      continue;
    for (const auto& e : n["report"]["engines"]) engines += e.value("state", "") == "ready" ? 1 : 0;
  }
  for (const auto& link : status["links"]) {
    for (const auto& seen : link["seen_by"]) links += seen.value("up", false) ? 1 : 0;
  }
  std::size_t all = 0;
  for (const auto& site : options_.sites) all += static_cast<std::size_t>(gateways_of(site));
  std::size_t ends = 0;  // every gateway sees all those of other sites
  for (const auto& site : options_.sites) {
    const auto own = static_cast<std::size_t>(gateways_of(site));
    ends += own * (all - own);
  }
  return gateways == all && engines == nodes().size() && links == ends;
}

// ---- asking

std::shared_ptr<Asked> WorldGrid::ask(const std::string& from, Ask what) {
  return ask_at(world_->now(), from, std::move(what));
}

std::shared_ptr<Asked> WorldGrid::ask_at(Time at, const std::string& from, Ask what) {
  auto out = std::make_shared<Asked>();
  out->ask = std::move(what);
  if (out->ask.gateway.empty()) out->ask.gateway = public_of(from);
  if (out->ask.key.empty()) out->ask.key = free_key_;
  world_->spawn(from + "/client", [out, at](io::Env& env) { return run_ask(env, out, at); });
  return out;
}

io::Task<void> WorldGrid::run_ask(io::Env& env, std::shared_ptr<Asked> what, Time at) {
  if (at > env.now()) co_await env.sleep_until(at);
  co_await world::ask(env, std::move(what));
}

bool WorldGrid::wait_over(const std::vector<std::shared_ptr<Asked>>& all, Duration within) {
  std::size_t first = 0;  // those before it are over
  return world_->run_until(
      [&] {
        while (first < all.size() && all[first]->over) ++first;
        return first == all.size();
      },
      within);
}

// ---- the management API

io::Task<void> WorldGrid::run_call(io::Env& env, std::string method, std::string target, std::string body,
                                   io::ManagementAnswer& out, bool& done) {
  io::ManagementClient client(env, kManagement, kAdminKey);
  auto answer = co_await client.call(std::move(method), std::move(target), std::move(body));
  if (answer.ok()) {
    out = std::move(*answer);
  } else {
    out.body = answer.error().message;
  }
  done = true;
}

io::Address WorldGrid::management() { return kManagement; }
std::string WorldGrid::admin_key() { return kAdminKey; }

io::ManagementAnswer WorldGrid::call(const std::string& method, const std::string& target, const json& body) {
  io::ManagementAnswer out;
  bool done = false;
  const std::string text = body.is_null() ? "" : body.dump();
  world_->spawn(kAdmin, [&](io::Env& env) { return run_call(env, method, target, text, out, done); });
  world_->run_until([&] { return done; }, 60s);
  return out;
}

json WorldGrid::get(const std::string& target) {
  const auto answer = call("GET", target);
  return answer.ok() ? json::parse(answer.body, nullptr, false) : json();
}

bool WorldGrid::wait_status(const std::string& target, const std::function<bool(const json&)>& enough,
                            Duration within) {
  const Time until = world_->now() + within;
  while (world_->now() < until) {
    const json status = get(target);
    if (status.is_object() && enough(status)) return true;
    world_->run_for(50ms);
  }
  return false;
}

json WorldGrid::settled_usage() {
  json before;
  for (int i = 0; i < 600; ++i) {
    const json now = get("/api/v1/usage")["total"];
    if (i > 0 && now == before) return now;
    before = now;
    world_->run_for(2s);
  }
  return before;
}

}  // namespace aigrid::world
