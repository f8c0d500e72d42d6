#include "io/env/reactor.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace aigrid::io {
namespace {
// Ready tasks run before sockets and timers are looked at again.
constexpr int kTasksPerTurn = 256;
}  // namespace

Time monotonic_now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return Time(Duration(std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec));
}

Reactor::Reactor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) {
    std::perror("epoll_create1");
    std::abort();
  }
}

Reactor::~Reactor() { ::close(epoll_); }

int Reactor::add(int fd, Watch& watch, std::uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.ptr = &watch;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void Reactor::remove(int fd, Watch& watch) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  for (auto& event : undelivered_) {
    if (event.data.ptr == &watch) event.data.ptr = nullptr;
  }
}

void Reactor::turn(const bool& done) {
  for (int i = 0; i < kTasksPerTurn && !done && executor_.run_one(); ++i) {
  }
  if (done) return;
  poll(executor_.idle() ? timers_.next() : Time::min());
  if (timers_.next() == kNever) return;
  const Time now = monotonic_now();
  while (timers_.run_due(now)) {
  }
}

void Reactor::poll(Time until) {
  timespec wait{};
  const timespec* limit = nullptr;
  if (until != kNever) {
    const Duration left = until == Time::min() ? Duration(0) : std::max(Duration(0), until - monotonic_now());
    wait.tv_sec = left.count() / 1'000'000'000;
    wait.tv_nsec = left.count() % 1'000'000'000;
    limit = &wait;
  }
  const int count = ::epoll_pwait2(epoll_, batch_.data(), static_cast<int>(batch_.size()), limit, nullptr);
  if (count <= 0) return;  // EINTR is the only failure possible here
  undelivered_ = std::span(batch_).first(static_cast<std::size_t>(count));
  while (!undelivered_.empty()) {
    const epoll_event event = undelivered_.front();
    undelivered_ = undelivered_.subspan(1);
    if (event.data.ptr) static_cast<Watch*>(event.data.ptr)->ready(event.events);
  }
}

}  // namespace aigrid::io
