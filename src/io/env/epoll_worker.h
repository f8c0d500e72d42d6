// EpollWorker: the Env of one real worker (loop, sockets, files). Crew: what the workers of a process share: options,
// the blocking pool, the threads, and how they are told to stop and to end.
#pragma once

#include <mutex>
#include <thread>

#include "io/env/blocking_pool.h"
#include "io/env/disk_files.h"
#include "io/env/epoll_env.h"
#include "io/env/nvml.h"
#include "io/env/post_box.h"
#include "io/env/reactor.h"

namespace aigrid::io {

class EpollWorker;

class Crew {
 public:
  explicit Crew(EpollOptions options);
  const EpollOptions& options() const { return options_; }
  BlockingPool& pool() { return pool_; }
  void hire(std::function<Task<void>(Env&)> body);
  // The main worker's thread: stop_requested on all but itself; then, later, end and join them.
  void request_stop();
  void end();

 private:
  struct Member {
    std::shared_ptr<PostBox> box = std::make_shared<PostBox>();
    EpollWorker* worker = nullptr;  // written and read on its own thread
    std::thread thread;
  };
  void work(Member& member, const std::function<Task<void>(Env&)>& body);

  EpollOptions options_;
  BlockingPool pool_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Member>> members_;
  bool stopping_ = false;
  bool ending_ = false;
};

class EpollWorker final : public Env {
 public:
  EpollWorker(Crew& crew, std::shared_ptr<PostBox> box);
  ~EpollWorker() override;

  Time now() const override { return monotonic_now(); }
  WallTime wall() const override;
  Executor& executor() override { return reactor_.executor(); }
  void entropy(std::span<char> into) override;
  Task<Result<std::unique_ptr<Stream>>> dial(Address to, Duration within) override;
  Result<std::unique_ptr<Listener>> listen(const Address& at, const ListenOptions& options) override;
  std::unique_ptr<Timer> timer(std::function<void()> fire) override;
  Files& files() override { return files_; }
  Result<std::unique_ptr<Process>> start(const ProcessSpec& spec) override;
  Tls& tls() override;
  Keys& keys() override;
  Log& log() override { return log_; }
  std::shared_ptr<Mailbox> mailbox() override { return box_; }
  Task<void> blocking(std::function<void()> fn) override;
  Task<std::vector<GpuReading>> gpus() override;
  Event& stop_requested() override { return stop_requested_; }
  int pid() const override;
  void add_worker(std::function<Task<void>(Env&)> body) override { crew_.hire(std::move(body)); }
  std::string variable(const char* name) const override;

  Reactor& reactor() { return reactor_; }
  // Runs the loop until `done_` is set by body's end or finish().
  void run(const std::function<void(TaskGroup&, bool& done)>& begin, const std::function<void()>& before_teardown);
  void finish() { done_ = true; }

 private:
  Crew& crew_;
  Reactor reactor_;
  std::shared_ptr<PostBox> box_;
  DiskFiles files_{*this};
  JsonLog log_;
  Event stop_requested_;
  std::shared_ptr<Nvml> nvml_ = std::make_shared<Nvml>();
  std::shared_ptr<Tls> tls_;
  std::shared_ptr<Keys> keys_;
  bool done_ = false;
};

}  // namespace aigrid::io
