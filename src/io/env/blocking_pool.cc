#include "io/env/blocking_pool.h"

namespace aigrid::io {

class BlockingPool::Claim {
 public:
  Claim(BlockingPool& pool, std::shared_ptr<Job> job) : pool_(pool), job_(std::move(job)) {}
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() {
    job_->done = nullptr;
    pool_.abandon(*job_);
  }

 private:
  BlockingPool& pool_;
  std::shared_ptr<Job> job_;
};

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (auto& thread : threads_) thread.join();
}

Task<void> BlockingPool::run(Executor& executor, std::shared_ptr<Mailbox> home, std::function<void()> fn) {
  Event done(executor);
  auto job = std::make_shared<Job>();
  job->fn = std::move(fn);
  job->home = std::move(home);
  job->done = &done;
  const Claim claim(*this, job);
  submit(job);
  co_await done.wait();
}

void BlockingPool::submit(const std::shared_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(job);
    if (idle_ < queue_.size() && threads_.size() < most_) threads_.emplace_back([this] { work(); });
  }
  arrived_.notify_one();
}

void BlockingPool::abandon(Job& job) {
  std::unique_lock lock(mutex_);
  if (job.state == State::Queued) job.state = State::Over;
  finished_.wait(lock, [&job] { return job.state == State::Over; });
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    const std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    if (job->state != State::Queued) continue;
    job->state = State::Running;
    lock.unlock();
    job->fn();
    job->fn = nullptr;
    lock.lock();
    job->state = State::Over;
    finished_.notify_all();
    auto home = job->home;
    lock.unlock();
    home->post([job] {
      if (job->done) job->done->set();
    });
    lock.lock();
  }
}

}  // namespace aigrid::io
