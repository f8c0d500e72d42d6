// Queues: executes the site queues of this gateway's deployments: one SiteQueue a deployment, tickets with callbacks.
// One worker. A callback may run from inside ask(): it may only note the answer and set an event.
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
    bool again = false;   // not granted: the grid's structure changed meanwhile, ask anew
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
    std::uint64_t structure = 0;  // of the board when it was asked
    routing::DeploymentIndex deployment = routing::kNone;
    bool granted = false;
    std::function<void(const Answer&)> answer;
  };

  // A bundle moved the indices: queues start anew, tickets still waiting are asked again by their owners.
  void start_anew();
  Lane& lane(routing::DeploymentIndex deployment);
  void feed(routing::DeploymentIndex deployment, const dispatch::QueueEvent& event);
  void settle(dispatch::Ticket ticket, const Answer& answer);

  io::Env& env_;
  Board& board_;
  dispatch::QueueLimits limits_;
  std::map<routing::DeploymentIndex, Lane> lanes_;
  std::map<dispatch::Ticket, Waiting> waiting_;
  dispatch::Ticket last_ = 0;
  std::uint64_t structure_ = 0;
};

}  // namespace aigrid::gateway
