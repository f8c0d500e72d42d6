// Queues: executes the site queues that this worker owns, and those that somebody still takes for its own: one
// SiteQueue a deployment, tickets with callbacks; a bundle change keeps what waits. Who asks goes through Slots. One
// worker. A callback may run from inside ask(): it may only note the answer and set an event.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "app/gateway/board.h"
#include "core/dispatch/site_queue.h"
#include "format/inner/slots.h"
#include "io/env/env.h"

namespace aigrid::gateway {

class Queues {
 public:
  struct Answer {
    bool granted = false;
    std::string node;     // when granted
    std::string message;  // when refused
    std::string better;   // when refused: the site that takes it sooner, if one does
  };

  Queues(io::Env& env, Board& board, const dispatch::QueueLimits& limits);

  // `answer` is called exactly once unless the ticket is released before.
  dispatch::Ticket ask(const inner::SlotAsk& ask, std::function<void(const Answer&)> answer);
  // The ticket's slot or place in the queue is free again. Idempotent.
  void release(dispatch::Ticket ticket);
  // A node row, a bundle or a connection changed.
  void rows_changed();
  // Whose rows are told: those of the queues that this worker owns.
  void owned(std::function<bool(const std::string& deployment)> by_us) { owned_ = std::move(by_us); }
  // Their rows, for this site's peers and its own board.
  void refresh_rows();
  std::size_t waiting() const;

 private:
  struct Lane {
    std::unique_ptr<dispatch::SiteQueue> queue;
    std::unique_ptr<io::Timer> timer;
  };
  struct Waiting {
    Lane* lane = nullptr;  // null: its deployment is gone; the node's own report tells what runs
    bool granted = false;
    std::function<void(const Answer&)> answer;
  };

  // A bundle may have moved the indices: queues go with their deployments, what waits in them stays.
  void adopt_bundle();
  Lane& lane(routing::DeploymentIndex deployment);
  // By names to indices of the bundle in force; `at` is the lane's.
  Result<dispatch::QueueEvent> event_of(dispatch::Ticket ticket, const inner::SlotAsk& ask,
                                        routing::DeploymentIndex& at) const;
  policy::SiteSet permitted(const inner::SlotAsk& ask) const;
  void feed(Lane& lane, const dispatch::QueueEvent& event);
  std::string hand_on(const routing::Place& to);
  void settle(dispatch::Ticket ticket, const Answer& answer);

  io::Env& env_;
  Board& board_;
  dispatch::QueueLimits limits_;
  std::function<bool(const std::string&)> owned_ = [](const std::string&) { return true; };
  std::shared_ptr<const routing::Tables> tables_;  // whose indices the lanes use
  std::map<routing::DeploymentIndex, std::unique_ptr<Lane>> lanes_;
  std::map<dispatch::Ticket, Waiting> waiting_;
  dispatch::Ticket last_ = 0;
};

}  // namespace aigrid::gateway
