#include "io/tls/lingering.h"

#include <array>

namespace aigrid::io {
namespace {

constexpr Duration kSendLimit = 10s;
constexpr std::size_t kMaxLingering = 1024;
constexpr std::size_t kMaxDrained = 1024 * 1024;

}  // namespace

class Lingering::One final : Waiter, Ready {
 public:
  One(Lingering& all, Env& env, std::unique_ptr<Stream> raw, std::string rest, bool drain)
      : all_(all), env_(env), raw_(std::move(raw)), rest_(std::move(rest)), drain_(drain), limit_(env.timer([this] {
          expire();
        })) {
    limit_->arm(env.now() + kSendLimit);
    env_.executor().schedule(*this);
  }
  ~One() {
    raw_->on_writable(nullptr);
    raw_->on_readable(nullptr);
  }

 private:
  void wake() noexcept override { env_.executor().schedule(*this); }
  void run() noexcept override {
    if (!sent() || !drained()) return;
    all_.drop(this);
  }
  // The timer must not be destroyed from inside its own callback.
  void expire() {
    expired_ = true;
    wake();
  }

  // False while something is left and may still go.
  bool sent() {
    while (!expired_ && at_ < rest_.size()) {
      const std::string_view piece = std::string_view(rest_).substr(at_);
      const auto taken = raw_->try_write({&piece, 1});
      if (taken.ok()) {
        at_ += *taken;
      } else if (taken.error().code == Code::WouldBlock) {
        raw_->on_writable(this);
        return false;
      } else {
        expired_ = true;
      }
    }
    return true;
  }
  bool drained() {
    if (expired_ || !drain_) return true;
    if (!half_closed_) raw_->shutdown_write();
    half_closed_ = true;
    std::array<char, 4096> sink{};
    while (drained_ < kMaxDrained) {
      const auto n = raw_->try_read(sink);
      if (!n.ok() && n.error().code == Code::WouldBlock) {
        raw_->on_readable(this);
        return false;
      }
      if (!n.ok() || *n == 0) return true;
      drained_ += *n;
    }
    return true;
  }

  Lingering& all_;
  Env& env_;
  std::unique_ptr<Stream> raw_;
  std::string rest_;
  std::size_t at_ = 0;
  std::size_t drained_ = 0;
  bool drain_;
  bool half_closed_ = false;
  bool expired_ = false;
  std::unique_ptr<Timer> limit_;
};

Lingering::Lingering() = default;
Lingering::~Lingering() = default;

void Lingering::finish(Env& env, std::unique_ptr<Stream> raw, std::string rest, bool drain) {
  if (all_.size() >= kMaxLingering) all_.pop_front();
  all_.push_back(std::make_unique<One>(*this, env, std::move(raw), std::move(rest), drain));
}

void Lingering::drop(const One* one) {
  std::erase_if(all_, [one](const auto& each) { return each.get() == one; });
}

}  // namespace aigrid::io
