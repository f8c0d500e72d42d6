#include "core/health/conditions.h"

namespace aigrid::health {

std::string_view to_string(State state) {
  switch (state) {
    case State::True: return "True";
    case State::False: return "False";
    case State::Unknown: return "Unknown";
  }
  return "Unknown";
}

namespace {

Condition ready(State state, std::string reason, std::string message) {
  return {"Ready", state, std::move(reason), std::move(message)};
}

std::string seconds(Duration d) { return std::to_string(to_ms(d) / 1000) + " s"; }

// What speaks against a member that should be connected; an empty reason: nothing.
Condition reachability(const Heard& heard, const Current& now) {
  if (!heard.ever) return ready(State::Unknown, "NeverHeard", "no status has come since control started");
  if (!connected(heard, now))
    return ready(State::False, "NotConnected", "last heard of " + seconds(heard.ago) + " ago");
  if (!heard.bundle_error.empty()) return ready(State::False, "BundleRefused", heard.bundle_error);
  return ready(State::True, "", "");
}

}  // namespace

Condition gateway_ready(const Heard& heard, const Current& now) {
  Condition c = reachability(heard, now);
  if (!c.reason.empty()) return c;
  if (heard.bundle_version == 0) return ready(State::False, "NoBundle", "it holds no configuration yet");
  if (heard.bundle_version < now.bundle_version) {
    return ready(State::True, "BundleBehind",
                 "it serves with version " + std::to_string(heard.bundle_version) + " while " +
                     std::to_string(now.bundle_version) + " is published");
  }
  return ready(State::True, "Connected", "");
}

Condition records_shipped(const std::string& error) {
  if (error.empty()) return {"RecordsShipped", State::True, "Taken", ""};
  return {"RecordsShipped", State::False, "NotTaken",
          "control took none of the last records, they wait in the gateway's spool: " + error};
}

Condition node_ready(const Heard& heard, bool cordoned, const Current& now) {
  Condition c = reachability(heard, now);
  if (!c.reason.empty()) return c;
  if (cordoned) return ready(State::False, "Cordoned", "it takes no new work until it is uncordoned");
  return ready(State::True, "Connected", "");
}

Condition placement_forbidden(const std::vector<std::string>& why) {
  std::string all;
  for (const auto& one : why) all += (all.empty() ? "" : "; ") + one;
  return {"PlacementForbidden", State::True, "LawForbids", all + "; nothing new runs there: place it elsewhere"};
}

Condition deployment_ready(const std::vector<EngineSeen>& engines) {
  std::size_t up = 0;
  Condition worst = ready(State::False, "NoNode", "it names no node");
  for (const auto& e : engines) {
    if (!e.connected) {
      worst = ready(State::False, "NodeNotConnected", "node " + e.node + " is not connected");
    } else if (e.state.empty()) {
      worst = ready(State::False, "NotStarted", "node " + e.node + " does not report its engine yet");
    } else if (e.state == "ready") {
      ++up;
    } else {
      worst = ready(State::False, "EngineNotReady",
                    "engine on " + e.node + " is " + e.state + (e.reason.empty() ? "" : ": " + e.reason));
    }
  }
  if (up == engines.size() && up != 0) return ready(State::True, "AllReady", "");
  const std::string count = std::to_string(up) + " of " + std::to_string(engines.size()) + " engines are ready";
  if (up != 0) return ready(State::True, "SomeReady", count + "; " + worst.message);
  return worst;
}

Condition site_ready(std::size_t gateways_ready, std::size_t gateways, std::size_t nodes_ready, std::size_t nodes) {
  const std::string count = std::to_string(gateways_ready) + " of " + std::to_string(gateways) + " gateways and " +
                            std::to_string(nodes_ready) + " of " + std::to_string(nodes) + " nodes are ready";
  if (gateways == 0) return ready(State::False, "NoGateway", "no gateway has joined here");
  if (gateways_ready == 0) return ready(State::False, "NoGatewayReady", count);
  if (nodes != 0 && nodes_ready == 0) return ready(State::False, "NoNodeReady", count);
  const bool all = gateways_ready == gateways && nodes_ready == nodes;
  return ready(State::True, all ? "AllReady" : "SomeReady", count);
}

}  // namespace aigrid::health
