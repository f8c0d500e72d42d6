// One host in memory for the tests of this folder: a clock that moves when nothing else can, and pairs of streams with
// a window of any size.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/random.h"
#include "io/env/env.h"

namespace aigrid::io::testing {

struct Pipe {
  std::string bytes;
  std::size_t window = 65536;
  bool ended = false;
  bool broken = false;
  Waiter* reader = nullptr;
  Waiter* writer = nullptr;
};

inline void wake(Waiter*& w) {
  if (Waiter* waiter = std::exchange(w, nullptr)) waiter->wake();
}

class MemoryStream final : public Stream {
 public:
  MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, Address peer)
      : in_(std::move(in)), out_(std::move(out)), peer_{std::move(peer), "", "", ""} {}
  ~MemoryStream() override {
    in_->reader = nullptr;
    out_->writer = nullptr;
    in_->broken = true;
    shutdown_write();
    wake(in_->writer);
  }
  Result<std::size_t> try_read(std::span<char> into) override {
    if (closed_) return Error{Code::Cancelled, Origin::Self, Retry::Never, "closed"};
    if (in_->bytes.empty() && in_->ended) return std::size_t{0};
    if (in_->bytes.empty()) return Error{Code::WouldBlock, Origin::Self, Retry::Same, ""};
    const std::size_t n = in_->bytes.copy(into.data(), into.size());
    in_->bytes.erase(0, n);
    wake(in_->writer);
    return n;
  }
  Result<std::size_t> try_write(std::span<const std::string_view> pieces) override {
    if (closed_) return Error{Code::Cancelled, Origin::Self, Retry::Never, "closed"};
    if (out_->broken) return unavailable("connection reset");
    std::size_t taken = 0;
    for (const auto piece : pieces) {
      const std::size_t n = std::min(piece.size(), out_->window - std::min(out_->window, out_->bytes.size()));
      out_->bytes.append(piece.substr(0, n));
      taken += n;
      if (n < piece.size()) break;
    }
    if (taken == 0) return Error{Code::WouldBlock, Origin::Self, Retry::Same, ""};
    wake(out_->reader);
    return taken;
  }
  void on_readable(Waiter* w) override {
    in_->reader = w;
    if (!in_->bytes.empty() || in_->ended || closed_) wake(in_->reader);
  }
  void on_writable(Waiter* w) override {
    out_->writer = w;
    if (out_->bytes.size() < out_->window || out_->broken || closed_) wake(out_->writer);
  }
  void shutdown_write() override {
    out_->ended = true;
    wake(out_->reader);
  }
  void close() override {
    closed_ = true;
    shutdown_write();
    wake(in_->reader);
    wake(out_->writer);
  }
  const Peer& peer() const override { return peer_; }

 private:
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  Peer peer_;
  bool closed_ = false;
};

struct Pair {
  std::shared_ptr<Pipe> up = std::make_shared<Pipe>();
  std::shared_ptr<Pipe> down = std::make_shared<Pipe>();
  std::unique_ptr<Stream> client = std::make_unique<MemoryStream>(down, up, "server:1");
  std::unique_ptr<Stream> server = std::make_unique<MemoryStream>(up, down, "client:2");
  explicit Pair(std::size_t window = 65536) { up->window = down->window = window; }
};

class QuietLog final : public Log {
  void write(Level, std::string_view, std::initializer_list<LogField>) override {}
};

class MemoryEnv final : public Env {
 public:
  Time now() const override { return now_; }
  WallTime wall() const override { return wall_ + (now_ - Time{}); }
  Executor& executor() override { return executor_; }
  void entropy(std::span<char> into) override {
    for (char& c : into) c = static_cast<char>(random_.below(256));
  }
  std::unique_ptr<Timer> timer(std::function<void()> fire) override {
    return std::make_unique<MemoryTimer>(*this, std::move(fire));
  }
  Log& log() override { return log_; }
  Event& stop_requested() override { return stop_; }
  int pid() const override { return 1; }
  std::string variable(const char*) const override { return {}; }

  // Streams come from Pair; nothing here dials, reads files or starts anything.
  Task<Result<std::unique_ptr<Stream>>> dial(Address, Duration) override { std::abort(); }
  Result<std::unique_ptr<Listener>> listen(const Address&, const ListenOptions&) override { std::abort(); }
  Files& files() override { std::abort(); }
  Result<std::unique_ptr<Process>> start(const ProcessSpec&) override { std::abort(); }
  Tls& tls() override { std::abort(); }
  Keys& keys() override { std::abort(); }
  std::shared_ptr<Mailbox> mailbox() override { std::abort(); }
  Task<void> blocking(std::function<void()>) override { std::abort(); }
  void add_worker(std::function<Task<void>(Env&)>) override { std::abort(); }
  Task<std::vector<GpuReading>> gpus() override { std::abort(); }

  void set_wall(WallTime t) { wall_ = t - (now_ - Time{}); }
  void run_ready() {
    while (executor_.run_one()) {
    }
  }
  // Runs until nothing is ready and no timer is left before `limit` from now; false if tasks are left then.
  bool run(TaskGroup& group, Duration limit = 60s) {
    const Time end = now_ + limit;
    while (true) {
      run_ready();
      if (group.size() == 0) return true;
      if (alarms_.empty() || alarms_.begin()->first > end) return false;
      const auto next = alarms_.begin();
      now_ = std::max(now_, next->first);
      MemoryTimer* timer = next->second;
      alarms_.erase(next);
      timer->fire_();
    }
  }
  void pass(Duration d) {
    TaskGroup none(executor_);
    const Time end = now_ + d;
    while (!alarms_.empty() && alarms_.begin()->first <= end) {
      const auto next = alarms_.begin();
      now_ = std::max(now_, next->first);
      MemoryTimer* timer = next->second;
      alarms_.erase(next);
      timer->fire_();
      run_ready();
    }
    now_ = end;
  }

 private:
  struct MemoryTimer final : Timer {
    MemoryTimer(MemoryEnv& env, std::function<void()> fire) : env_(env), fire_(std::move(fire)) {}
    ~MemoryTimer() override { cancel(); }
    void arm(Time at) override {
      cancel();
      env_.alarms_.emplace(at, this);
    }
    void cancel() override {
      std::erase_if(env_.alarms_, [this](const auto& a) { return a.second == this; });
    }
    MemoryEnv& env_;
    std::function<void()> fire_;
  };

  Executor executor_;
  Event stop_{executor_};
  QuietLog log_;
  Random random_{5};
  std::multimap<Time, MemoryTimer*> alarms_;
  Time now_{};
  WallTime wall_{std::chrono::seconds(1'800'000'000)};
};

}  // namespace aigrid::io::testing
