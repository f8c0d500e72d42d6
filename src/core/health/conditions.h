// Conditions of places and deployments from what was heard of them last: pure, by table. The main one is always Ready.
// Unknown is never healthy: who was not heard of is not ready, and the message says since when.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace aigrid::health {

enum class State : std::uint8_t { True, False, Unknown };
std::string_view to_string(State state);  // "True"

struct Condition {
  std::string type = "Ready";
  State state = State::Unknown;
  std::string reason;   // CamelCase, stable
  std::string message;  // for people
};

// What was heard of one gateway or node.
struct Heard {
  bool ever = false;
  Duration ago{};
  std::uint64_t bundle_version = 0;
  std::string bundle_error;
  bool open = true;  // its connection: a closed one is a failure detected, it need not grow stale first
};

struct Current {
  std::uint64_t bundle_version = 0;
  Duration fresh = 5s;  // heard of longer ago: not connected
};

inline bool connected(const Heard& heard, const Current& now) {
  return heard.ever && heard.open && heard.ago <= now.fresh;
}

Condition gateway_ready(const Heard& heard, const Current& now);
// Does control take what the gateway spools? `error`: why it took none of the last batch.
Condition records_shipped(const std::string& error);
Condition node_ready(const Heard& heard, bool cordoned, const Current& now);

struct EngineSeen {
  std::string node;
  bool connected = false;
  std::string state;  // of the node's engine for this deployment; empty: not reported
  std::string reason;
};
// It stands where the law forbids it; `why`: for each such node. True is bad, and else it is not there.
Condition placement_forbidden(const std::vector<std::string>& why);
// Ready when at least one engine is.
Condition deployment_ready(const std::vector<EngineSeen>& engines);

// Ready when a gateway and, where there are nodes, at least one node is.
Condition site_ready(std::size_t gateways_ready, std::size_t gateways, std::size_t nodes_ready, std::size_t nodes);

}  // namespace aigrid::health
