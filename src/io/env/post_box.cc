#include "io/env/post_box.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace aigrid::io {

PostBox::PostBox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) {
    std::perror("eventfd");
    std::abort();
  }
}

PostBox::~PostBox() { ::close(fd_); }

void PostBox::post(std::function<void()> fn) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  letters_.push_back(std::move(fn));
  const std::uint64_t one = 1;
  if (letters_.size() == 1) {
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof(one));  // only a full counter fails: then it is set
  }
}

void PostBox::attach(Reactor& reactor) {
  const int error = reactor.add(fd_, *this, EPOLLIN);
  if (error != 0) std::abort();
}

void PostBox::close(Reactor& reactor) {
  reactor.remove(fd_, *this);
  std::vector<std::function<void()>> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(letters_);
}

void PostBox::ready(std::uint32_t) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof(count));
  std::vector<std::function<void()>> letters;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(letters_);
  }
  for (auto& letter : letters) letter();
}

}  // namespace aigrid::io
