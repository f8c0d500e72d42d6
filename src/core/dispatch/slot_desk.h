// SlotDesk: the asker's side of the site's queues. A request needs a slot of a node; whoever owns the deployment's
// queue gives it, and gets it back. The desk knows for every ticket whom it asked and what it holds. When owners
// change, what waits asks the new one and what is held is told to it, so that no queue forgets a slot; when an owner is
// lost, the same, after a while where nobody else has taken its place. A claim that its asker drops, by intent or by
// dying, is free again at its owner: claims live as long as the way on which they were made. Pure state machine: events
// in, actions out. One worker.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "core/dispatch/ownership.h"
#include "core/dispatch/site_queue.h"

namespace aigrid::dispatch {

// One question to one owner; never used again.
using ClaimId = std::uint64_t;

namespace desk_event {
struct Ask {
  Ticket ticket = 0;
  std::string deployment;
  Duration remaining{};
};
struct Granted {
  ClaimId claim = 0;
  std::string node;
};
struct Refused {
  ClaimId claim = 0;
  std::string message;
  std::string better;  // the site where it gets its turn sooner, if there is one
};
// The way to the owner broke, or it went on to stop.
struct Lost {
  ClaimId claim = 0;
};
// The ticket wants nothing more, whether it waits or holds.
struct Released {
  Ticket ticket = 0;
};
struct Living {
  std::vector<Member> members;  // of this site, this one among them
};
struct Alarm {};
}  // namespace desk_event
using DeskEvent = std::variant<desk_event::Ask, desk_event::Granted, desk_event::Refused, desk_event::Lost,
                               desk_event::Released, desk_event::Living, desk_event::Alarm>;

namespace desk_action {
struct Claim {
  ClaimId claim = 0;
  Ticket ticket = 0;
  Member owner;
  std::string held;  // the node whose slot is held already; empty: one is wanted
  Duration remaining{};
};
// Leave the queue, or give the slot back.
struct Drop {
  ClaimId claim = 0;
};
struct Grant {
  Ticket ticket = 0;
  std::string node;
};
struct Refuse {
  Ticket ticket = 0;
  std::string message;
  std::string better;  // as the owner said
};
struct SetAlarm {
  Time at = kNever;
};
}  // namespace desk_action
using DeskAction =
    std::variant<desk_action::Claim, desk_action::Drop, desk_action::Grant, desk_action::Refuse, desk_action::SetAlarm>;

class SlotDesk {
 public:
  // `ask_again`: how long what has no owner waits.
  SlotDesk(Member self, Duration ask_again) : self_(std::move(self)), ask_again_(ask_again), living_{self_} {}

  std::vector<DeskAction> on_event(const DeskEvent& event, Time now);
  const Member& owner(std::string_view deployment) const { return owner_of(deployment, living_); }
  bool owns(std::string_view deployment) const { return owner(deployment) == self_; }
  const std::vector<Member>& living() const { return living_; }
  std::size_t tickets() const { return slots_.size(); }

 private:
  struct Slot {
    std::string deployment;
    Time until{};
    Member owner;
    ClaimId claim = 0;  // 0: nobody is asked
    std::string node;   // held
  };
  using Slots = std::map<Ticket, Slot>;

  void on(const desk_event::Ask& e, Time now);
  void on(const desk_event::Granted& e, Time now);
  void on(const desk_event::Refused& e, Time now);
  void on(const desk_event::Lost& e, Time now);
  void on(const desk_event::Released& e, Time now);
  void on(const desk_event::Living& e, Time now);
  void on(const desk_event::Alarm& e, Time now);
  Slots::iterator find(ClaimId claim);
  void claim(Slots::iterator at, Time now);
  void drop(Slot& slot);

  Member self_;
  Duration ask_again_;
  std::vector<Member> living_;
  Slots slots_;
  std::map<ClaimId, Ticket> claims_;
  ClaimId last_ = 0;
  Time alarm_ = kNever;
  std::vector<DeskAction> actions_;
};

}  // namespace aigrid::dispatch
