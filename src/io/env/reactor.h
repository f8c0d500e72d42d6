// Reactor: the loop of one real worker: run list, timers and an edge-triggered epoll set. Belongs to one thread.
// A Watch is told of readiness from inside turn() only; removing any Watch at any moment is safe.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "io/env/task.h"
#include "io/env/timers.h"

namespace aigrid::io {

class Watch {
 public:
  virtual void ready(std::uint32_t events) noexcept = 0;

 protected:
  ~Watch() = default;
};

class Reactor {
 public:
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  Executor& executor() { return executor_; }
  TimerQueue& timers() { return timers_; }
  // 0, or an errno. `events` as for epoll_ctl; EPOLLET is added.
  int add(int fd, Watch& watch, std::uint32_t events);
  void remove(int fd, Watch& watch);
  // Runs what is ready, then waits for the next event or timer and runs those; does not wait once `done`.
  void turn(const bool& done);

 private:
  void poll(Time until);
  Executor executor_;
  TimerQueue timers_;
  std::array<epoll_event, 256> batch_{};
  std::span<epoll_event> undelivered_;
  int epoll_ = -1;
};

Time monotonic_now();

}  // namespace aigrid::io
