// Queues: executes the site queues of this gateway's deployments: one SiteQueue a deployment, tickets with callbacks;
// a bundle change keeps what waits. One worker. A callback may run from inside ask(): it may only note the answer and
// set an event.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "app/gateway/board.h"
#include "core/dispatch/site_queue.h"
#include "io/env/env.h"

namespace aigrid::gateway {

class Queues {
 public:
  struct Answer {
    bool granted = false;
    std::string node;     // when granted
    std::string message;  // when refused
  };

  Queues(io::Env& env, Board& board, const dispatch::QueueLimits& limits);

  // `answer` is called exactly once unless the ticket is released before.
  dispatch::Ticket ask(routing::DeploymentIndex deployment, const routing::RouteInput& input,
                       std::vector<routing::Excluded> excluded, Duration remaining,
                       std::function<void(const Answer&)> answer);
  // The ticket's slot or place in the queue is free again. Idempotent.
  void release(dispatch::Ticket ticket);
  // A node row, a bundle or a connection changed.
  void rows_changed();
  // This site's rows for its peers (and for its own board).
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
  void feed(Lane& lane, const dispatch::QueueEvent& event);
  void settle(dispatch::Ticket ticket, const Answer& answer);

  io::Env& env_;
  Board& board_;
  dispatch::QueueLimits limits_;
  std::shared_ptr<const routing::Tables> tables_;  // whose indices the lanes use
  std::map<routing::DeploymentIndex, std::unique_ptr<Lane>> lanes_;
  std::map<dispatch::Ticket, Waiting> waiting_;
  dispatch::Ticket last_ = 0;
};

}  // namespace aigrid::gateway
