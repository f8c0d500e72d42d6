// The two routing decisions: filter → score → choose. Pure; no allocation when `explanation` is null.
// choose_site runs at the ingress over site rows; choose_node at the queue's owner over fresh node rows.
// Score: predicted TTFT in milliseconds (RTT + wait + uncached prefill) plus a price term; ties by `random`.
#pragma once

#include "base/random.h"
#include "core/routing/decision.h"

namespace aigrid::routing {

Decision choose_site(const Snapshot& snapshot, const RouteInput& input, Time now, Random& random,
                     Explanation* explanation);

// `input.excluded` holds nodes not to try again; only nodes of `snapshot.here` that serve `deployment` are candidates.
// A node with no free slot is not chosen (Filter::Capacity): the caller queues.
Decision choose_node(const Snapshot& snapshot, DeploymentIndex deployment, const RouteInput& input, Time now,
                     Random& random, Explanation* explanation);

// Where a request that would wait at `snapshot.here` gets its turn sooner, by more than the way there costs. `queue` is
// the queue's row as it is now. Asked once a request, by the queue's owner, whose own rows are the freshest there are
// (reference B1, "one redirect").
std::optional<Place> better_place(const Snapshot& snapshot, DeploymentIndex deployment, const RouteInput& input,
                                  const SiteRow& queue, Time now, Random& random);

// Could this request run on some node of `snapshot.here` once a slot is free? False: queueing here is useless.
bool node_ready(const Snapshot& snapshot, DeploymentIndex deployment, NodeIndex node, const RouteInput& input,
                Time now);
bool any_ready_node(const Snapshot& snapshot, DeploymentIndex deployment, const RouteInput& input, Time now);

// One sentence for people: `paris answered: 18 ms away, no queue, 41 ms of prefill; next best lyon at 75 ms`.
std::string sentence(const Tables& tables, const Decision& decision, const char* verb = "answered");

}  // namespace aigrid::routing
