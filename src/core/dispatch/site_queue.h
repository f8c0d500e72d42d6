// SiteQueue: the queue of one deployment at one site, held by its one owner: tickets in, grants and refusals out. Late
// binding: a node is chosen when it has a free slot, never before. Pure state machine. One worker.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "core/routing/choose.h"
#include "core/routing/rebind.h"

namespace aigrid::dispatch {

using Ticket = std::uint64_t;

struct QueueLimits {
  std::uint32_t depth = 256;  // tickets waiting
  Duration max_wait = 30s;    // or the ticket's own, if shorter
  // By tier: for so long it lets later ones of the tiers above go first, and no longer, so that none starves.
  std::array<Duration, grid::kTiers.size()> yields = {0ms, 2s, 6s, 12s};
};

namespace queue_event {
struct Ask {
  Ticket ticket = 0;
  routing::RouteInput input;
  std::vector<routing::Excluded> excluded;
  Duration remaining{};
};
// Before the grant it leaves the queue, silently. After it nothing changes: an engine frees its slot when it has
// stopped, and that is Ended (also when its node is lost).
struct Cancelled {
  Ticket ticket = 0;
};
struct Ended {
  Ticket ticket = 0;
};  // the slot is free again
// A slot of that node that somebody holds already: another worker owned this queue when it was given.
struct Held {
  Ticket ticket = 0;
  routing::NodeIndex node = routing::kNone;
};
struct RowsChanged {};  // a node row, a bundle, a node's connection
struct Alarm {};
}  // namespace queue_event
using QueueEvent = std::variant<queue_event::Ask, queue_event::Cancelled, queue_event::Ended, queue_event::Held,
                                queue_event::RowsChanged, queue_event::Alarm>;

namespace queue_action {
struct Grant {
  Ticket ticket = 0;
  routing::Decision decision;
};
// Elsewhere. `better`: it could have waited here, but gets its turn sooner there.
struct Refuse {
  Ticket ticket = 0;
  routing::Filter by = routing::Filter::Capacity;
  std::string message;
  std::optional<routing::Place> better;
};
struct SetAlarm {
  Time at = kNever;
};
}  // namespace queue_action
using QueueAction = std::variant<queue_action::Grant, queue_action::Refuse, queue_action::SetAlarm>;

class SiteQueue {
 public:
  SiteQueue(routing::DeploymentIndex deployment, const QueueLimits& limits, std::uint64_t seed);
  // Slots granted and not ended are counted by this queue itself, so a stale row never over-commits a node. A ticket
  // that no ready node of this site could take is refused at once: another site may. One that came straight from its
  // ingress (`hops` 0) and would wait much longer than elsewhere is handed on, once. The reference is valid until the
  // next call.
  const std::vector<QueueAction>& on_event(const QueueEvent& event, const routing::Snapshot& snapshot, Time now);
  // The bundle changed. Waiting tickets keep the permitted sites they came with; the node asks its own bundle again.
  // When the deployment is gone (`deployment()` is kNone) the next event refuses what waits.
  void rebind(const routing::Rebind& to);

  // This queue's row for the peers.
  routing::SiteRow row(const routing::Snapshot& snapshot, Time now) const;
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t granted() const { return granted_.size(); }
  routing::DeploymentIndex deployment() const { return deployment_; }

 private:
  struct Waiting {
    Ticket ticket = 0;
    routing::RouteInput input;
    std::vector<routing::Excluded> excluded;
    Time until;
    Time since;
    Time due;  // since, and for how long its tier yields: the order of the queue
  };
  struct Granted {
    Ticket ticket = 0;
    routing::NodeIndex node = routing::kNone;
    Time since;
  };

  void on(const queue_event::Ask&, const routing::Snapshot&, Time now);
  void on(const queue_event::Cancelled&, const routing::Snapshot&, Time now);
  void on(const queue_event::Ended&, const routing::Snapshot&, Time now);
  void on(const queue_event::Held&, const routing::Snapshot&, Time now);
  void on(const queue_event::RowsChanged&, const routing::Snapshot&, Time) {}
  void on(const queue_event::Alarm&, const routing::Snapshot&, Time) { alarm_ = kNever; }
  void serve(const routing::Snapshot&, Time now);
  // Granted, refused (true: gone from the queue) or still waiting. `full`: no slot is left at this site at all.
  bool settle(Waiting& w, const routing::Snapshot&, Time now, bool full);
  void refuse(Ticket ticket, routing::Filter by, std::string message);
  bool hand_on(const queue_event::Ask&, const routing::Snapshot&, Time now);
  void set_alarm();
  std::uint32_t free_slots(const routing::Snapshot&, Time now) const;
  float mean_service_ms(const routing::Snapshot&) const;

  routing::DeploymentIndex deployment_;
  QueueLimits limits_;
  Random random_;
  std::deque<Waiting> waiting_;
  std::vector<Granted> granted_;
  std::vector<std::uint16_t> granted_on_;  // by node
  std::vector<QueueAction> actions_;
  Time alarm_ = kNever;
  float service_ms_ = routing::kUnknown;  // smoothed over what ended here
};

}  // namespace aigrid::dispatch
