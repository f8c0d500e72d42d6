#include "app/up/engines_status.h"

#include "format/api/schema.h"
#include "format/json/json.h"

namespace aigrid::up {

namespace {

struct SeenEngine {
  std::string state;
  std::string reason;
  int pid = 0;
  std::string url;
};

using Seen = std::map<std::pair<std::string, std::string>, SeenEngine>;  // by node and deployment

void take_node(const json::Json& value, Seen& seen) {
  json::Reader node(value);
  std::string name;
  bool connected = false;
  node.get("name", name).get("connected", connected);
  const auto* report = node.object("report");
  if (!connected || report == nullptr) return;
  json::Reader reader(*report);
  const auto* engines = reader.list("engines");
  if (engines == nullptr) return;
  for (const auto& engine : *engines) {
    std::string deployment;
    SeenEngine one;
    json::Reader(engine)
        .get("deployment", deployment)
        .get("state", one.state)
        .get("reason", one.reason)
        .get("pid", one.pid)
        .get("url", one.url);
    seen[{name, deployment}] = std::move(one);
  }
}

}  // namespace

Result<EnginesStatus> engines_status(std::string_view status_json, const grid::Inventory& inventory,
                                     const std::string& engine_secret) {
  AIGRID_TRY(const auto value, json::parse(status_json));
  json::Reader reader(value);
  Seen seen;
  if (const auto* nodes = reader.list("nodes")) {
    for (const auto& node : *nodes) take_node(node, seen);
  }
  EnginesStatus out;
  for (const auto& deployment : inventory.deployments) {
    for (const auto& node : deployment.nodes) {
      const auto found = seen.find({node, deployment.name});
      if (found == seen.end()) {
        out.missing.push_back("engine " + deployment.name + " on " + node + ": not reported yet");
      } else if (found->second.state != "ready") {
        out.missing.push_back("engine " + deployment.name + " on " + node + ": " + found->second.state +
                              (found->second.reason.empty() ? "" : " (" + found->second.reason + ")"));
      } else {
        const bool adopted = !deployment.url.empty();
        out.by_node[node].push_back({std::string(api::to_string(deployment.driver)), deployment.model,
                                     found->second.pid, found->second.url, adopted ? "" : engine_secret});
      }
    }
  }
  return out;
}

}  // namespace aigrid::up
