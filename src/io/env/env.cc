#include "io/env/env.h"

namespace aigrid::io {

Task<void> Env::sleep_until(Time at) {
  Event due(executor());
  auto alarm = timer([&due] { due.set(); });
  alarm->arm(at);
  co_await due.wait();
}

namespace {

// Registers with a stream while in scope; wakes become sets of an event.
class WritableWaiter final : Waiter {
 public:
  WritableWaiter(Stream& stream, Event& event) : stream_(stream), event_(event) {}
  WritableWaiter(const WritableWaiter&) = delete;
  WritableWaiter& operator=(const WritableWaiter&) = delete;
  ~WritableWaiter() {
    if (registered_) stream_.on_writable(nullptr);
  }
  void enlist() {
    registered_ = true;
    stream_.on_writable(this);
  }

 private:
  void wake() noexcept override { event_.set(); }
  Stream& stream_;
  Event& event_;
  bool registered_ = false;
};

// Drops `taken` bytes and every empty piece from the front.
void drop_front(std::span<std::string_view>& pieces, std::size_t taken) {
  while (!pieces.empty() && taken >= pieces.front().size()) {
    taken -= pieces.front().size();
    pieces = pieces.subspan(1);
  }
  if (taken != 0) pieces.front().remove_prefix(taken);
}

}  // namespace

Task<Result<void>> write_all(Env& env, Stream& s, std::vector<std::string_view> pieces) {
  Event writable(env.executor());
  WritableWaiter waiter(s, writable);
  std::span<std::string_view> left(pieces);
  drop_front(left, 0);
  while (!left.empty()) {
    auto taken = s.try_write(left);
    if (taken.ok()) {
      drop_front(left, *taken);
    } else if (taken.error().code == Code::WouldBlock) {
      waiter.enlist();
      co_await writable.wait();
    } else {
      co_return std::move(taken).error();
    }
  }
  co_return Result<void>();
}

Task<Result<void>> write_all(Env& env, Stream& s, std::string_view bytes) {
  std::vector<std::string_view> pieces{bytes};
  return write_all(env, s, std::move(pieces));
}

}  // namespace aigrid::io
