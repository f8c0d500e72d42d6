// WorkerSlots: slots of queues that other workers of this process own: asked for, answered and given back by message.
// One on each worker; a question is known at both ends by who asks and a number. No answer is ever lost, as the workers
// of a process live and die together.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "app/gateway/queues.h"
#include "format/inner/slots.h"
#include "io/env/door.h"

namespace aigrid::gateway {

class WorkerSlots {
 public:
  struct Other {
    io::Door door;
    WorkerSlots* slots;  // touched through the door only
  };
  using Answer = Queues::Answer;
  using Number = std::uint64_t;

  WorkerSlots(Queues& queues, std::uint32_t worker) : queues_(queues), worker_(worker) {}
  void meet(std::vector<Other> workers) { workers_ = std::move(workers); }

  // `answer` comes at most once, later; not after release().
  Number ask(std::uint32_t worker, inner::SlotAsk ask, std::function<void(const Answer&)> answer);
  // Gives back, or leaves the queue. Idempotent.
  void release(Number number);

 private:
  struct Asked {
    std::uint32_t worker = 0;
    std::function<void(const Answer&)> answer;
  };
  using Asker = std::pair<std::uint32_t, Number>;

  // At the queue's owner.
  void claim(Asker asker, const inner::SlotAsk& ask);
  void give_back(Asker asker);
  // Back at who asked.
  void settle(Number number, const Answer& answer);

  Queues& queues_;
  std::uint32_t worker_;
  std::vector<Other> workers_;
  Number last_ = 0;
  std::map<Number, Asked> asked_;
  std::map<Asker, dispatch::Ticket> lent_;  // places in our queues, and their slots
};

}  // namespace aigrid::gateway
