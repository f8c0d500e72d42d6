#include "core/dispatch/slot_desk.h"

#include <algorithm>
#include <utility>

namespace aigrid::dispatch {

std::vector<DeskAction> SlotDesk::on_event(const DeskEvent& event, Time now) {
  std::visit([&](const auto& e) { on(e, now); }, event);
  return std::exchange(actions_, {});
}

SlotDesk::Slots::iterator SlotDesk::find(ClaimId claim) {
  const auto it = claims_.find(claim);
  return it == claims_.end() ? slots_.end() : slots_.find(it->second);
}

void SlotDesk::claim(Slots::iterator at, Time now) {
  Slot& slot = at->second;
  slot.owner = owner(slot.deployment);
  slot.claim = ++last_;
  claims_.emplace(slot.claim, at->first);
  actions_.push_back(desk_action::Claim{slot.claim, at->first, slot.owner, slot.node, slot.until - now});
}

void SlotDesk::drop(Slot& slot) {
  if (slot.claim == 0) return;
  claims_.erase(slot.claim);
  actions_.push_back(desk_action::Drop{std::exchange(slot.claim, 0)});
}

void SlotDesk::on(const desk_event::Ask& e, Time now) {
  const auto [at, added] = slots_.emplace(e.ticket, Slot{e.deployment, now + e.remaining, {}, 0, {}});
  if (added) claim(at, now);
}

void SlotDesk::on(const desk_event::Granted& e, Time) {
  const auto at = find(e.claim);
  if (at == slots_.end() || !at->second.node.empty()) return;  // what is held was told; the owner only nods
  at->second.node = e.node;
  actions_.push_back(desk_action::Grant{at->first, e.node});
}

void SlotDesk::on(const desk_event::Refused& e, Time) {
  const auto at = find(e.claim);
  if (at == slots_.end()) return;
  claims_.erase(e.claim);
  at->second.claim = 0;
  if (!at->second.node.empty()) return;  // it runs all the same: its node counts it
  actions_.push_back(desk_action::Refuse{at->first, e.message, e.better});
  slots_.erase(at);
}

void SlotDesk::on(const desk_event::Lost& e, Time now) {
  const auto at = find(e.claim);
  if (at == slots_.end()) return;
  claims_.erase(e.claim);
  at->second.claim = 0;
  if (at->second.owner != owner(at->second.deployment)) return claim(at, now);
  if (alarm_ != kNever) return;
  alarm_ = now + ask_again_;
  actions_.push_back(desk_action::SetAlarm{alarm_});
}

void SlotDesk::on(const desk_event::Released& e, Time) {
  const auto at = slots_.find(e.ticket);
  if (at == slots_.end()) return;
  drop(at->second);
  slots_.erase(at);
}

void SlotDesk::on(const desk_event::Living& e, Time now) {
  living_ = e.members;
  if (std::find(living_.begin(), living_.end(), self_) == living_.end()) living_.push_back(self_);
  for (auto at = slots_.begin(); at != slots_.end(); ++at) {  // oldest first: they keep their order at the new owner
    if (at->second.claim != 0 && at->second.owner == owner(at->second.deployment)) continue;
    drop(at->second);
    claim(at, now);
  }
}

void SlotDesk::on(const desk_event::Alarm&, Time now) {
  alarm_ = kNever;
  for (auto at = slots_.begin(); at != slots_.end();) {
    const auto here = at++;
    if (here->second.claim != 0) continue;
    if (here->second.node.empty() && now >= here->second.until) {
      actions_.push_back(desk_action::Refuse{here->first, "the queue's owner could not be asked in time", {}});
      slots_.erase(here);
    } else {
      claim(here, now);
    }
  }
}

}  // namespace aigrid::dispatch
