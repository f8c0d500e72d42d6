// VirtualEnv: the Env of one worker of a simulated process. All workers of all hosts share the world's Executor.
#pragma once

#include "io/env/json_log.h"
#include "io/env/virtual_process.h"

namespace aigrid::io {

class VirtualMailbox final : public Mailbox, Ready {
 public:
  explicit VirtualMailbox(Executor& executor) : executor_(executor) {}
  void post(std::function<void()> fn) override {
    if (closed_) return;
    letters_.push_back(std::move(fn));
    executor_.schedule(*this);
  }
  void close() {
    closed_ = true;
    letters_.clear();
  }

 private:
  void run() noexcept override {
    const auto letters = std::move(letters_);
    letters_.clear();
    for (const auto& letter : letters) {
      if (!closed_) letter();
    }
  }
  Executor& executor_;
  std::vector<std::function<void()>> letters_;
  bool closed_ = false;
};

class VirtualEnv final : public Env {
 public:
  VirtualEnv(VirtualInstance& instance, int worker);

  Time now() const override { return core_.now; }
  WallTime wall() const override;
  Executor& executor() override { return core_.executor; }
  void entropy(std::span<char> into) override;
  Task<Result<std::unique_ptr<Stream>>> dial(Address to, Duration within) override;
  Result<std::unique_ptr<Listener>> listen(const Address& at, const ListenOptions& options) override;
  std::unique_ptr<Timer> timer(std::function<void()> fire) override {
    return std::make_unique<QueueTimer>(core_.timers, std::move(fire), &instance_.alive);
  }
  Files& files() override { return files_; }
  Result<std::unique_ptr<Process>> start(const ProcessSpec& spec) override { return instance_.start(spec); }
  Tls& tls() override;
  Keys& keys() override;
  Log& log() override { return log_; }
  std::shared_ptr<Mailbox> mailbox() override { return mailbox_; }
  Task<void> blocking(std::function<void()> fn) override;
  Task<std::vector<GpuReading>> gpus() override;
  Event& stop_requested() override { return stop_requested_; }
  int pid() const override { return instance_.pid; }
  void add_worker(std::function<Task<void>(Env&)> body) override { instance_.add_worker(std::move(body)); }
  std::string variable(const char* name) const override;

  void close_mailbox() { mailbox_->close(); }

 private:
  Caller caller() const { return {&instance_, &instance_.host.place}; }
  VirtualInstance& instance_;
  VirtualCore& core_;
  Random random_;
  VirtualFiles files_;
  JsonLog log_;
  std::shared_ptr<VirtualMailbox> mailbox_;
  Event stop_requested_;
  std::shared_ptr<Tls> tls_;
  std::shared_ptr<Keys> keys_;
};

}  // namespace aigrid::io
