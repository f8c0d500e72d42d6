#include "io/http/tunnel.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace aigrid::io {
namespace {

constexpr std::string_view kThrough = "through:";
constexpr std::size_t kMostUnsent = std::size_t{64} << 10U;

Error would_block() { return {Code::WouldBlock, Origin::Self, Retry::Same, {}}; }

void wake_once(Waiter*& waiter) {
  if (Waiter* w = std::exchange(waiter, nullptr)) w->wake();
}

class Tunnel final : public Stream {
 public:
  Tunnel(Env& env, std::shared_ptr<H2Stream> exchange, Address peer)
      : exchange_(std::move(exchange)), to_send_(env.executor()), tasks_(env.executor()) {
    peer_.address = std::move(peer);
    tasks_.spawn(receive());
    tasks_.spawn(send());
  }
  ~Tunnel() override {
    tasks_.cancel();
    exchange_->reset();  // no effect on one that is over
  }

  Result<std::size_t> try_read(std::span<char> into) override {
    if (at_ < in_.size()) {
      const std::size_t n = std::min(into.size(), in_.size() - at_);
      std::memcpy(into.data(), in_.data() + at_, n);
      at_ += n;
      if (at_ == in_.size()) in_.clear(), at_ = 0;
      exchange_->consume(n);
      return n;
    }
    if (failure_) return *failure_;
    if (ended_) return std::size_t{0};
    return would_block();
  }

  Result<std::size_t> try_write(std::span<const std::string_view> pieces) override {
    if (failure_) return *failure_;
    std::size_t room = kMostUnsent - std::min(kMostUnsent, out_.size());
    std::size_t taken = 0;
    for (const auto piece : pieces) {
      const std::size_t n = std::min(room, piece.size());
      out_ += piece.substr(0, n);
      taken += n;
      room -= n;
    }
    if (taken == 0) return would_block();
    to_send_.set();
    return taken;
  }

  void on_readable(Waiter* waiter) override {
    reader_ = waiter;
    if (at_ < in_.size() || ended_ || failure_) wake_once(reader_);
  }
  void on_writable(Waiter* waiter) override {
    writer_ = waiter;
    if (out_.size() < kMostUnsent || failure_) wake_once(writer_);
  }
  void shutdown_write() override {
    finished_ = true;
    to_send_.set();
  }
  void close() override {
    fail({Code::Cancelled, Origin::Self, Retry::Never, "tunnel closed"});
    exchange_->reset();
  }
  const Peer& peer() const override { return peer_; }

 private:
  Task<void> receive() {
    for (;;) {
      auto bytes = co_await exchange_->read();
      if (!bytes.ok()) {
        fail(std::move(bytes).error());
        co_return;
      }
      if (bytes->empty()) break;
      in_ += *bytes;
      wake_once(reader_);
    }
    ended_ = true;
    wake_once(reader_);
  }

  Task<void> send() {
    for (;;) {
      while (out_.empty() && !finished_) co_await to_send_.wait();
      if (out_.empty()) break;
      const std::string piece = std::exchange(out_, {});
      wake_once(writer_);
      auto sent = co_await exchange_->write(piece);
      if (!sent.ok()) {
        fail(std::move(sent).error());
        co_return;
      }
    }
    (void)exchange_->end().ok();
  }

  void fail(Error error) {
    if (!failure_) failure_ = std::move(error);
    wake_once(reader_);
    wake_once(writer_);
  }

  std::shared_ptr<H2Stream> exchange_;
  Peer peer_;
  std::string in_;
  std::size_t at_ = 0;  // of in_, taken
  std::string out_;
  bool ended_ = false;     // by the other side
  bool finished_ = false;  // by ours, once out_ has gone
  std::optional<Error> failure_;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  Event to_send_;
  TaskGroup tasks_;
};

// One way. Its end ends the other exchange's; its failure is seen by whoever has the other way.
Task<void> pass(std::shared_ptr<H2Stream> from, std::shared_ptr<H2Stream> to) {
  for (;;) {
    auto bytes = co_await from->read();
    if (!bytes.ok()) break;
    if (bytes->empty()) {
      (void)to->end().ok();
      co_return;
    }
    auto sent = co_await to->write(*bytes);
    if (!sent.ok()) break;
    from->consume(bytes->size());
  }
  from->reset();
  to->reset();
}

}  // namespace

std::unique_ptr<Stream> tunnel(Env& env, std::shared_ptr<H2Stream> exchange, std::string_view through) {
  return std::make_unique<Tunnel>(env, std::move(exchange), std::string(kThrough) + std::string(through));
}

std::string_view tunnelled_through(std::string_view address) {
  return address.starts_with(kThrough) ? address.substr(kThrough.size()) : std::string_view{};
}

Task<void> pass_on(Env& env, std::shared_ptr<H2Stream> a, std::shared_ptr<H2Stream> b) {
  TaskGroup back(env.executor());
  back.spawn(pass(b, a));
  co_await pass(a, b);
  co_await back.join();
}

}  // namespace aigrid::io
