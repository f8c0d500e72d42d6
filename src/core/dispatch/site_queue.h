// SiteQueue: the queue of one deployment at one site, held by its one owner: tickets in, grants and refusals out. Late
// binding: a node is chosen when it has a free slot, never before. Pure state machine. One worker.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "core/routing/choose.h"

namespace aigrid::dispatch {

using Ticket = std::uint64_t;

struct QueueLimits {
  std::uint32_t depth = 256;    // tickets waiting
  Duration max_wait = 30s;      // or the ticket's own, if shorter
};

namespace queue_event {
struct Ask { Ticket ticket = 0; routing::RouteInput input; std::vector<routing::Excluded> excluded; Duration remaining{}; };
struct Cancelled { Ticket ticket = 0; };                   // before or after the grant
struct Ended { Ticket ticket = 0; };                       // the slot is free again
struct RowsChanged {};                                     // a node row, a bundle, a node's connection
struct Alarm {};
}  // namespace queue_event
using QueueEvent = std::variant<queue_event::Ask, queue_event::Cancelled, queue_event::Ended, queue_event::RowsChanged,
                                queue_event::Alarm>;

namespace queue_action {
struct Grant { Ticket ticket = 0; routing::Decision decision; };
struct Refuse { Ticket ticket = 0; routing::Filter by = routing::Filter::Capacity; std::string message; };  // elsewhere
struct SetAlarm { Time at = kNever; };
}  // namespace queue_action
using QueueAction = std::variant<queue_action::Grant, queue_action::Refuse, queue_action::SetAlarm>;

class SiteQueue {
 public:
  SiteQueue(routing::DeploymentIndex deployment, const QueueLimits& limits, std::uint64_t seed);
  // Slots granted and not ended are counted by this queue itself, so a stale row never over-commits a node.
  const std::vector<QueueAction>& on_event(const QueueEvent& event, const routing::Snapshot& snapshot, Time now);
  // This queue's row for the peers.
  routing::SiteRow row(const routing::Snapshot& snapshot, Time now) const;
  std::size_t waiting() const;
};

}  // namespace aigrid::dispatch
