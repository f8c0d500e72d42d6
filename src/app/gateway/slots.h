// Slots: where this worker's attempts get a node's slot and give it back: from its own queues, from another worker of
// this process, or from another gateway of the site (POST /inner/slot, one stream a slot): from whichever owns the
// queue. It carries out what dispatch::SlotDesk decides, and answers what the others ask. One worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/gateway/board.h"
#include "app/gateway/peers.h"
#include "app/gateway/queues.h"
#include "app/gateway/worker_slots.h"
#include "core/dispatch/slot_desk.h"
#include "format/inner/slots.h"
#include "io/env/env.h"

namespace aigrid::gateway {

class Slots {
 public:
  using Answer = Queues::Answer;

  // `workers`: of this process.
  Slots(io::Env& env, Board& board, Queues& queues, Peers& peers, dispatch::Member self, std::uint32_t workers,
        Duration ask_again);

  // `answer` is called exactly once unless the ticket is released before; perhaps from inside: it may only note it and
  // set an event.
  dispatch::Ticket ask(inner::SlotAsk ask, std::function<void(const Answer&)> answer);
  // The ticket's slot or place in the queue is free again. Idempotent.
  void release(dispatch::Ticket ticket);
  // A gateway of this site came, went, or has other workers.
  void siblings_changed();
  bool owns(const std::string& deployment) const { return worker_of(desk_.owner(deployment)) == self_.worker; }
  // Another gateway of this site, or another worker of this one, tells its rows: those of the queues that it owns
  // count.
  void sibling_reported(const std::string& gateway, const inner::SiteReport& report);
  void worker_reported(std::uint32_t worker, const inner::SiteReport& report);
  WorkerSlots& beside() { return beside_; }
  // A gateway of this site asks: POST /inner/slot. The queue may be another worker's of this process.
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream);

 private:
  struct Asked {
    inner::SlotAsk ask;
    std::function<void(const Answer&)> answer;
  };

  // Which of our workers is `member`: all count as many as the bundle names, and we may have another number just now.
  // Nothing: another gateway's.
  std::optional<std::uint32_t> worker_of(const dispatch::Member& member) const;
  void feed(const dispatch::DeskEvent& event);
  void claim(const dispatch::desk_action::Claim& claim);
  void claim_here(dispatch::ClaimId claim, const inner::SlotAsk& ask);
  void claim_beside(dispatch::ClaimId claim, std::uint32_t worker, const inner::SlotAsk& ask);
  void answered(dispatch::ClaimId claim, const Answer& answer);
  io::Task<void> claim_there(dispatch::ClaimId claim, std::shared_ptr<io::H2Stream> stream, std::string line);
  void drop(dispatch::ClaimId claim);
  void settle(dispatch::Ticket ticket, const Answer& answer);

  io::Env& env_;
  Board& board_;
  Queues& queues_;
  Peers& peers_;
  dispatch::Member self_;
  std::uint32_t workers_;
  WorkerSlots beside_;
  dispatch::SlotDesk desk_;
  dispatch::Ticket last_ = 0;
  std::map<dispatch::Ticket, Asked> asked_;
  std::map<dispatch::ClaimId, dispatch::Ticket> here_;  // claims at our own queues: their tickets there
  std::map<dispatch::ClaimId, WorkerSlots::Number> next_to_us_;            // at those of other workers of the process
  std::map<dispatch::ClaimId, std::shared_ptr<io::H2Stream>> elsewhere_;  // at other gateways: their streams
  std::unique_ptr<io::Timer> alarm_;
  io::TaskGroup tasks_;  // last: its frames use all above
};

}  // namespace aigrid::gateway
