// WorldGrid: a whole grid in one virtual world, from a seed: control, a gateway and nodes at each of three sites,
// virtual engines, clients. It runs the processes through the entry points that `main` calls and has none of its own;
// it is configured over the management API and asked over the public one. One thread. Sites: lyon and paris (FR),
// zurich (CH), and where a test names them nice, lille and metz (FR). Nodes: lyon-1, paris-1, paris-2, zurich-1. Hosts:
// "paris/gateway", "paris/paris-1", "paris/client", "control/control", "control/admin".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/agent/agent.h"
#include "app/control/control.h"
#include "app/gateway/gateway.h"
#include "io/client/management.h"
#include "world/client.h"
#include "world/virtual_engine.h"

namespace aigrid::world {

struct GridOptions {
  std::uint64_t seed = 1;
  std::vector<std::string> sites = {"lyon", "paris", "zurich"};
  std::map<std::string, int> gateways;             // by site, where not one: they share the site's public port
  std::map<std::string, std::uint32_t> workers;    // of each gateway of a site, where not one
  std::uint32_t slots = 2;                         // of each engine
  std::uint32_t context_tokens = 2048;             // of each slot
  std::size_t window = io::WorldOptions{}.window;  // of a connection, each way
  EngineScript engine;
  bool event_log = true;
  Level log_level = Level::Note;
  // What runs on the nodes; empty: agents.
  std::function<io::Task<int>(io::Env&, agent::AgentOptions)> node;
  // Last word on the options of a process, by its host's name.
  std::function<void(control::ControlOptions&)> control;
  std::function<void(const std::string& host, gateway::GatewayOptions&)> gateway;
  std::function<void(const std::string& host, agent::AgentOptions&)> agent;
};

class WorldGrid {
 public:
  explicit WorldGrid(GridOptions options = {});

  // Control, configuration, joins, and until every engine is ready and every link is up. False: it did not come about.
  bool start();
  // Its parts, for tests of the start itself.
  void start_control();
  bool configure();
  void start_gateway(const std::string& site, const std::string& token, int number = 1);
  void start_agent(const std::string& node, const std::string& token);
  std::string join_token(const std::string& role, const std::string& site, const std::string& name,
                         std::int64_t ttl_s = 600);
  bool wait_ready(Duration within = 120s);

  // A process again on its host, from what is on its disk.
  void restart_control();
  void restart_gateway(const std::string& site, int number = 1);
  void restart_agent(const std::string& node);
  // Everything at a site but its clients dies at once.
  void kill_site(const std::string& site);
  void restart_site(const std::string& site);

  // Asks from the client of `from`; what it came to is filled in as the world runs.
  std::shared_ptr<Asked> ask(const std::string& from, Ask what);
  // The same at a later time.
  std::shared_ptr<Asked> ask_at(Time at, const std::string& from, Ask what);
  // Until all of them are over.
  bool wait_over(const std::vector<std::shared_ptr<Asked>>& all, Duration within);

  // One call of the management API, run to its end.
  io::ManagementAnswer call(const std::string& method, const std::string& target, const nlohmann::json& body = {});
  nlohmann::json get(const std::string& target);
  // Calls GET `target` every 50 ms of virtual time until `enough` holds.
  bool wait_status(const std::string& target, const std::function<bool(const nlohmann::json&)>& enough,
                   Duration within);
  // Total of GET /api/v1/usage, once it has not changed for two seconds.
  nlohmann::json settled_usage();

  io::VirtualWorld& world() { return *world_; }
  const io::VirtualWorld& world() const { return *world_; }
  VirtualEngines& engines() { return engines_; }
  // What the engines of a node have counted in all their lives.
  EngineCounts counted(const std::string& node) const;
  const std::string& free_key() const { return free_key_; }
  const std::string& fr_key() const { return fr_key_; }
  static io::Address management();
  static std::string admin_key();
  static io::Address public_of(const std::string& site);
  static io::Address inner_of(const std::string& site, int number = 1);
  static std::string gateway_host(const std::string& site, int number = 1) {
    return site + "/gateway" + (number == 1 ? "" : "-" + std::to_string(number));
  }
  static std::string gateway_name(const std::string& site, int number = 1) {
    return site + "-gw" + (number == 1 ? "" : "-" + std::to_string(number));
  }
  int gateways_of(const std::string& site) const;
  static std::string node_host(const std::string& node) { return site_of(node) + "/" + node; }
  static std::string site_of(const std::string& node) { return node.substr(0, node.find('-')); }
  static std::string country_of(const std::string& site) { return site == "zurich" ? "CH" : "FR"; }
  std::vector<std::string> nodes() const;
  const GridOptions& options() const { return options_; }
  // Exit code of the process of a host, -1 while it runs.
  int exit_code(const std::string& host) const;

 private:
  io::Task<void> run_control(io::Env& env);
  io::Task<void> run_gateway(io::Env& env, std::string site, std::string token, int number);
  io::Task<void> run_agent(io::Env& env, std::string node, std::string token);
  static io::Task<void> run_ask(io::Env& env, std::shared_ptr<Asked> what, Time at);
  static io::Task<void> run_call(io::Env& env, std::string method, std::string target, std::string body,
                                 io::ManagementAnswer& out, bool& done);
  nlohmann::json configuration() const;
  // Every gateway and engine is there under the newest bundle, every link is up at both ends.
  bool ready(const nlohmann::json& status) const;

  GridOptions options_;
  VirtualEngines engines_;  // outlives the world's tasks
  std::map<std::string, int> exit_codes_;
  std::string free_key_;
  std::string fr_key_;
  std::unique_ptr<io::VirtualWorld> world_;
};

}  // namespace aigrid::world
