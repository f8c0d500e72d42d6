#include <algorithm>
#include <cmath>

#include "core/estimate/ttft.h"
#include "core/routing/choose.h"
#include "core/routing/thresholds.h"

namespace aigrid::routing {
namespace {

std::uint32_t used_slots(const NodeRow& row, const RouteInput& input, NodeIndex n) {
  const std::uint32_t given = n < input.granted.size() ? input.granted[n] : 0U;
  const std::uint32_t seen = static_cast<std::uint32_t>(row.running) + row.queued;
  return std::max({seen, given, static_cast<std::uint32_t>(row.own_running)});
}

// Why this node cannot take the request even with a free slot; null when it can.
const char* unfit(const Snapshot& snap, DeploymentIndex d, NodeIndex n, const RouteInput& input, Time now) {
  if (snap.tables->closed(snap.here, n)) return rule::kCordoned;
  const NodeRow& row = snap.node_row(d, n);
  if (!row.present) return rule::kUnreachable;
  if (now - row.at > kThresholds.node_silent) return rule::kSilent;
  if (!row.ready || row.slots == 0) return rule::kNotReady;
  for (const auto& e : input.excluded) {
    if (e.site == snap.here && (e.node == n || e.node == kNone)) return rule::kExcluded;
  }
  return nullptr;
}

}  // namespace

Decision choose_node(const Snapshot& snapshot, DeploymentIndex deployment, const RouteInput& input, Time now,
                     Random& random, Explanation* explanation) {
  const Tables& t = *snapshot.tables;
  const DeploymentEntry& d = t.deployments[deployment];
  const bool permitted = input.permitted.contains(snapshot.here);
  if (explanation != nullptr) explanation->candidates.clear();
  Decision decision;
  decision.deployment = deployment;
  Candidate best;
  std::uint32_t ties = 0;
  float least = INFINITY;
  bool full = false;
  for (const NodeIndex n : d.nodes) {
    if (t.nodes[n].site != snapshot.here) continue;
    ++decision.considered;
    Candidate c{snapshot.here, n, deployment, Filter::None, "", {}};
    const NodeRow& row = snapshot.node_row(deployment, n);
    const std::uint32_t used = used_slots(row, input, n);
    if (!permitted) {
      c.failed = Filter::Residency;
      c.rule = rule::kResidency;
    } else if (const char* why = unfit(snapshot, deployment, n, input, now)) {
      c.failed = Filter::Capacity;
      c.rule = why;
    } else if (used >= row.slots) {
      c.failed = Filter::Capacity;
      c.rule = rule::kNoSlot;
      full = true;
    } else {
      const auto rates = estimate::rates(
          row.prefill_tokens_per_s, row.decode_tokens_per_s,
          {static_cast<float>(d.spec.prefill_tokens_per_s), static_cast<float>(d.spec.decode_tokens_per_s)});
      c.score.prefill_ms = estimate::prefill_ms({input.prompt_tokens, 0}, rates);
      // Neighbours in the batch share the engine: the fuller, the slower the prefill.
      c.score.wait_ms = c.score.prefill_ms * static_cast<float>(used) / static_cast<float>(row.slots);
    }
    if (explanation != nullptr) explanation->candidates.push_back(c);
    if (c.failed != Filter::None) {
      ++decision.removed[static_cast<std::size_t>(c.failed)];
      decision.rule = full ? rule::kNoSlot : c.rule;
      continue;
    }
    const float total = c.score.total();
    least = std::min(least, total);
    if (best.node == kNone || best.score.total() > least + kThresholds.tie_ms) {
      best = c;
      ties = 1;
    } else if (total <= least + kThresholds.tie_ms && random.below(++ties) == 0) {
      best = c;  // reservoir: each of the tied with the same chance
    }
  }
  if (best.node == kNone) {
    decision.refused_by = permitted || decision.considered == 0 ? Filter::Capacity : Filter::Residency;
    if (decision.considered == 0) decision.rule = rule::kNotDeployed;
    return decision;
  }
  decision.rule = "";
  decision.site = snapshot.here;
  decision.node = best.node;
  decision.score = best.score;
  return decision;
}

bool node_ready(const Snapshot& snapshot, DeploymentIndex deployment, NodeIndex node, const RouteInput& input,
                Time now) {
  return input.permitted.contains(snapshot.here) && snapshot.tables->nodes[node].site == snapshot.here &&
         unfit(snapshot, deployment, node, input, now) == nullptr;
}

bool any_ready_node(const Snapshot& snapshot, DeploymentIndex deployment, const RouteInput& input, Time now) {
  const auto& nodes = snapshot.tables->deployments[deployment].nodes;
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](NodeIndex n) { return node_ready(snapshot, deployment, n, input, now); });
}

}  // namespace aigrid::routing
