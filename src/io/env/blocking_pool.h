// BlockingPool: threads for work that blocks (fsync, databases). Threads start on demand and stay. Thread-safe.
// run() gives a task whose destruction waits for work already begun, so the work may refer to the caller's frame.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "io/env/env.h"

namespace aigrid::io {

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t most_threads) : most_(most_threads) {}
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  Task<void> run(Executor& executor, std::shared_ptr<Mailbox> home, std::function<void()> fn);

 private:
  enum class State : std::uint8_t { Queued, Running, Over };
  struct Job {
    std::function<void()> fn;
    std::shared_ptr<Mailbox> home;
    Event* done;                  // only touched on the home worker
    State state = State::Queued;  // guarded by mutex_
  };
  class Claim;  // abandons the job when the waiting frame dies

  void submit(const std::shared_ptr<Job>& job);
  void abandon(Job& job);
  void work();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable finished_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace aigrid::io
