// TimerQueue: a binary heap of things due at an instant, the earliest first, equals in the order they were armed. Used
// by the real loop and by the virtual world. One thread. A Timed leaves its queue when destroyed; the queue outlives
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/time.h"
#include "io/env/env.h"

namespace aigrid::io {

class TimerQueue;

class Timed {
 public:
  explicit Timed(TimerQueue& queue) : queue_(queue) {}
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  inline void arm_at(Time at);
  inline void disarm();
  bool armed() const { return slot_ != kNone; }

 protected:
  ~Timed() { disarm(); }
  virtual void due() noexcept = 0;  // may destroy this

 private:
  friend class TimerQueue;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  TimerQueue& queue_;
  std::size_t slot_ = kNone;
};

class TimerQueue {
 public:
  Time next() const { return heap_.empty() ? kNever : heap_.front().at; }
  // Takes out and runs the earliest one if it is due by `now`.
  bool run_due(Time now) {
    if (heap_.empty() || heap_.front().at > now) return false;
    Timed* timed = heap_.front().timed;
    remove(0);
    timed->due();
    return true;
  }

 private:
  friend class Timed;
  struct Entry {
    Time at;
    std::uint64_t order;
    Timed* timed;
    bool before(const Entry& o) const { return at != o.at ? at < o.at : order < o.order; }
  };

  void insert(Timed& timed, Time at) {
    heap_.push_back({at, order_++, &timed});
    rise(heap_.size() - 1);
  }
  void remove(std::size_t slot) {
    heap_[slot].timed->slot_ = Timed::kNone;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (slot == heap_.size()) return;
    heap_[slot] = last;
    last.timed->slot_ = slot;
    rise(slot);
    sink(last.timed->slot_);
  }
  void rise(std::size_t slot) {
    const Entry entry = heap_[slot];
    for (; slot > 0 && entry.before(heap_[(slot - 1) / 2]); slot = (slot - 1) / 2) put(slot, heap_[(slot - 1) / 2]);
    put(slot, entry);
  }
  void sink(std::size_t slot) {
    const Entry entry = heap_[slot];
    for (;;) {
      std::size_t child = 2 * slot + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
      if (!heap_[child].before(entry)) break;
      put(slot, heap_[child]);
      slot = child;
    }
    put(slot, entry);
  }
  void put(std::size_t slot, const Entry& entry) {
    heap_[slot] = entry;
    entry.timed->slot_ = slot;
  }

  std::vector<Entry> heap_;
  std::uint64_t order_ = 0;
};

void Timed::arm_at(Time at) {
  disarm();
  queue_.insert(*this, at);
}
void Timed::disarm() {
  if (armed()) queue_.remove(slot_);
}

// Timer over a queue. While `*live` is false it stays silent.
class QueueTimer final : public Timer, Timed {
 public:
  QueueTimer(TimerQueue& queue, std::function<void()> fire, const bool* live = nullptr)
      : Timed(queue), fire_(std::move(fire)), live_(live) {}
  ~QueueTimer() override {
    if (gone_) *gone_ = true;
  }
  void arm(Time at) override { arm_at(at); }
  void cancel() override { disarm(); }

 private:
  void due() noexcept override {
    if (live_ && !*live_) return;
    // The callback may destroy this timer, so it runs from the stack.
    bool gone = false;
    gone_ = &gone;
    auto fire = std::move(fire_);
    fire();
    if (gone) return;
    gone_ = nullptr;
    fire_ = std::move(fire);
  }
  std::function<void()> fire_;
  const bool* live_;
  bool* gone_ = nullptr;
};

}  // namespace aigrid::io
