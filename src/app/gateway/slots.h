// Slots: where this worker's attempts get a node's slot and give it back: from its own queues, or from the worker of
// another gateway of the site that owns the queue (POST /inner/slot, one stream a slot). It carries out what
// dispatch::SlotDesk decides, and answers the other gateways' asks from its own queues. One worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "app/gateway/board.h"
#include "app/gateway/peers.h"
#include "app/gateway/queues.h"
#include "core/dispatch/slot_desk.h"
#include "format/inner/slots.h"
#include "io/env/env.h"

namespace aigrid::gateway {

class Slots {
 public:
  using Answer = Queues::Answer;

  Slots(io::Env& env, Board& board, Queues& queues, Peers& peers, dispatch::Member self, Duration ask_again);

  // `answer` is called exactly once unless the ticket is released before; perhaps from inside: it may only note it and
  // set an event.
  dispatch::Ticket ask(inner::SlotAsk ask, std::function<void(const Answer&)> answer);
  // The ticket's slot or place in the queue is free again. Idempotent.
  void release(dispatch::Ticket ticket);
  // A gateway of this site came, went, or has other workers.
  void siblings_changed();
  bool owns(const std::string& deployment) const { return desk_.owns(deployment); }
  // A gateway of this site tells its rows: those of the queues that it owns count.
  void sibling_reported(const std::string& gateway, const inner::SiteReport& report);
  // A gateway of this site asks: POST /inner/slot.
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream);

 private:
  struct Asked {
    inner::SlotAsk ask;
    std::function<void(const Answer&)> answer;
  };

  void feed(const dispatch::DeskEvent& event);
  void claim(const dispatch::desk_action::Claim& claim);
  void claim_here(dispatch::ClaimId claim, const inner::SlotAsk& ask);
  io::Task<void> claim_there(dispatch::ClaimId claim, std::shared_ptr<io::H2Stream> stream, std::string line);
  void drop(dispatch::ClaimId claim);
  void settle(dispatch::Ticket ticket, const Answer& answer);

  io::Env& env_;
  Board& board_;
  Queues& queues_;
  Peers& peers_;
  dispatch::Member self_;
  dispatch::SlotDesk desk_;
  dispatch::Ticket last_ = 0;
  std::map<dispatch::Ticket, Asked> asked_;
  std::map<dispatch::ClaimId, dispatch::Ticket> here_;  // claims at our own queues: their tickets there
  std::map<dispatch::ClaimId, std::shared_ptr<io::H2Stream>> elsewhere_;  // the others: their streams
  std::unique_ptr<io::Timer> alarm_;
  io::TaskGroup tasks_;  // last: its frames use all above
};

}  // namespace aigrid::gateway
