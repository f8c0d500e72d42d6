#include "app/gateway/worker_slots.h"

namespace aigrid::gateway {

WorkerSlots::Number WorkerSlots::ask(std::uint32_t worker, inner::SlotAsk ask,
                                     std::function<void(const Answer&)> answer) {
  const Number number = ++last_;
  asked_[number] = {worker, std::move(answer)};
  const Other& owner = workers_.at(worker);
  owner.door.tell([there = owner.slots, asker = Asker(worker_, number), ask = std::move(ask)] {
    there->claim(asker, ask);
  });
  return number;
}

void WorkerSlots::release(Number number) {
  const auto found = asked_.find(number);
  if (found == asked_.end()) return;
  const Other& owner = workers_.at(found->second.worker);
  asked_.erase(found);
  owner.door.tell([there = owner.slots, asker = Asker(worker_, number)] { there->give_back(asker); });
}

void WorkerSlots::claim(Asker asker, const inner::SlotAsk& ask) {
  const auto at = lent_.emplace(asker, 0).first;
  // The answer may come from inside, before we know the ticket.
  const dispatch::Ticket ticket = queues_.ask(ask, [this, asker](const Answer& answer) {
    if (!answer.granted) lent_.erase(asker);
    const Other& who = workers_.at(asker.first);
    who.door.tell([there = who.slots, number = asker.second, answer] { there->settle(number, answer); });
  });
  if (lent_.contains(asker)) at->second = ticket;
}

void WorkerSlots::give_back(Asker asker) {
  if (const auto lent = lent_.extract(asker); !lent.empty()) queues_.release(lent.mapped());
}

void WorkerSlots::settle(Number number, const Answer& answer) {
  const auto found = asked_.find(number);
  if (found == asked_.end()) return;  // released meanwhile: its owner is told that on the way
  const auto tell = found->second.answer;
  if (!answer.granted) asked_.erase(found);
  tell(answer);
}

}  // namespace aigrid::gateway
