// Snapshot: what routing reads in one turn of a worker's loop: compiled tables, live rows, own in-flight. Borrowed
// pointers valid for that turn. Rows are owned by one worker and changed only between turns. Unknown readings are NaN,
// never zero.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/time.h"
#include "core/routing/tables.h"

namespace aigrid::routing {

inline constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

// One deployment on one node, as its agent last said. Sent every 100 ms and at every end.
struct NodeRow {
  bool present = false;  // the agent is connected
  bool ready = false;    // the engine answers
  std::uint16_t slots = 0;
  std::uint16_t running = 0;
  std::uint16_t queued = 0;               // inside the engine
  float prefill_tokens_per_s = kUnknown;  // measured; else the deployment's prior is used
  float decode_tokens_per_s = kUnknown;
  float power_w = kUnknown;
  bool power_estimated = true;
  float temperature_c = kUnknown;
  float load = kUnknown;  // 0..1
  Time at{};
  // Ours, counted at once: what this gateway sent since and not yet seen ended.
  std::uint16_t own_running = 0;
};

// One deployment at one site, as its queue's owner last said. Sent every 200 ms.
struct SiteRow {
  bool present = false;
  std::uint16_t ready_nodes = 0;
  std::uint16_t slots = 0;
  std::uint16_t free_slots = 0;
  std::uint16_t queued = 0;
  float wait_ms = kUnknown;  // predicted by the owner for a new request
  float prefill_tokens_per_s = kUnknown;
  float decode_tokens_per_s = kUnknown;
  Time at{};
  // Own dispatches not yet reflected in the row (tokens of prefill and requests).
  std::uint32_t own_inflight = 0;
};

// The path from this gateway's site to another.
struct LinkRow {
  bool up = false;
  SiteIndex via = kNone;    // a third site passes its bytes on, unread; kNone: direct
  float rtt_ms = kUnknown;  // smoothed; kUnknown: use the prior
  float jitter_ms = kUnknown;
  std::uint32_t losses = 0;  // connections lost
  Time at{};
};

// How a place has answered of late, beside what it reports. Kept by core/resilience, heeded by the choice.
struct Trust {
  float ratio = 1;           // smoothed: observed over predicted time to the first token
  Time slow_since = kNever;  // the ratio is beyond all reason since
  std::uint16_t faults = 0;  // in a row
  Time last_fault = Time{} - 1h;
  std::uint16_t ejections = 0;  // in a row
  bool ejected = false;         // gets nothing until then, then one probe at a time
  Time until{};
  Time probed = Time{} - 1h;  // the last probe went out
  Time back = Time{} - 1h;    // since when it is trusted again: it starts slowly
};

// When a request that is urgent and has no first token yet is asked elsewhere too. Kept by core/resilience, one a
// worker.
struct Hedging {
  float ratio = 1;           // 95th percentile of observed over predicted time to the first token
  std::uint32_t seen = 0;    // answers behind it
  std::uint32_t credit = 0;  // thousandths of a hedge that may still go out
};

struct Snapshot {
  const Tables* tables = nullptr;
  SiteIndex here = kNone;
  // Indexed [deployment * nodes + node], [deployment * sites + site], [site].
  const NodeRow* node_rows = nullptr;
  const SiteRow* site_rows = nullptr;
  const LinkRow* links = nullptr;
  const Trust* site_trust = nullptr;  // [site]; null: all are trusted
  const Hedging* hedging = nullptr;   // null: nothing is asked twice

  const NodeRow& node_row(DeploymentIndex d, NodeIndex n) const { return node_rows[d * tables->nodes.size() + n]; }
  const SiteRow& site_row(DeploymentIndex d, SiteIndex s) const { return site_rows[d * tables->sites.size() + s]; }
};

// Owner of the rows of one worker; survives a bundle change by carrying rows over by name.
class Rows {
 public:
  void rebind(const Tables& from, const Tables& to);  // `from` may be empty tables
  // A peer's report: the asks sent before it are taken to be in it.
  void report(const Tables& t, DeploymentIndex d, SiteIndex s, const SiteRow& row);
  void report(const Tables& t, DeploymentIndex d, NodeIndex n, const NodeRow& row);  // keeps own_running
  void asked(const Tables& t, DeploymentIndex d, SiteIndex s) { ++site(t, d, s).own_inflight; }
  // The agent's connection is gone, the peer's connection is gone: nothing of it is known any more.
  void lost_node(const Tables& t, NodeIndex n);
  void lost_site(const Tables& t, SiteIndex s);
  Snapshot snapshot(const Tables& tables, SiteIndex here) const {
    return {&tables, here, node_rows.data(), site_rows.data(), links.data(), site_trust.data(), &hedging};
  }
  NodeRow& node(const Tables& t, DeploymentIndex d, NodeIndex n) { return node_rows[d * t.nodes.size() + n]; }
  SiteRow& site(const Tables& t, DeploymentIndex d, SiteIndex s) { return site_rows[d * t.sites.size() + s]; }

  std::vector<NodeRow> node_rows;
  std::vector<SiteRow> site_rows;
  std::vector<LinkRow> links;
  std::vector<Trust> site_trust;
  Hedging hedging;
};

}  // namespace aigrid::routing
