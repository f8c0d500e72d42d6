// PostBox: the Mailbox of a real worker, an eventfd and a locked list. post() from any thread; the rest on the owner's.
#pragma once

#include <mutex>

#include "io/env/reactor.h"

namespace aigrid::io {

class PostBox final : public Mailbox, Watch {
 public:
  PostBox();
  ~PostBox();
  PostBox(const PostBox&) = delete;
  PostBox& operator=(const PostBox&) = delete;

  void post(std::function<void()> fn) override;
  void attach(Reactor& reactor);
  // Drops what is there and whatever comes later.
  void close(Reactor& reactor);

 private:
  void ready(std::uint32_t events) noexcept override;
  std::mutex mutex_;
  std::vector<std::function<void()>> letters_;
  bool closed_ = false;
  int fd_;
};

}  // namespace aigrid::io
