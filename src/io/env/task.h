// Task<T>: a lazy coroutine, resumed on the worker that owns it. TaskGroup: owns root tasks; destroying it destroys
// every frame still suspended (that is how a process dies in the virtual world), so every awaiter unregisters in its
// destructor. Executor: the run list of one worker. Event, Channel: one worker only, no locks. Rules: parameters by
// value or references that outlive the task; never a capturing lambda as a coroutine; name a value before
// `co_await`-ing with it; no iterator into shared state across `co_await`. An exception inside a task is a bug and ends
// the process.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <optional>
#include <utility>

namespace aigrid::io {

template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() noexcept { return false; }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
    auto next = h.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& u) {
    value.emplace(std::forward<U>(u));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() {}
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle h) : handle_(h) {}
  Task(Task&& o) noexcept : handle_(std::exchange(o.handle_, {})) {}
  Task& operator=(Task&& o) noexcept {
    if (this != &o) {
      reset();
      handle_ = std::exchange(o.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    handle_.promise().continuation = caller;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

  // For TaskGroup only.
  Handle handle() const { return handle_; }

 private:
  void reset() {
    if (handle_) handle_.destroy();
    handle_ = {};
  }
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

// Intrusive node of an Executor's run list. Destroying a node unlinks it, so a frame may die while it is scheduled.
class Ready {
 public:
  Ready() = default;
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;
  bool scheduled() const { return next_ != nullptr; }

 protected:
  ~Ready() { unlink(); }
  virtual void run() noexcept = 0;

 private:
  friend class Executor;
  void unlink() {
    if (!next_) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }
  Ready* next_ = nullptr;
  Ready* prev_ = nullptr;
};

// FIFO of things to run on this worker, in the order they became ready. One per Env. Nothing is ever resumed from
// inside the call that made it ready, so a primitive may be set from within any callback.
class Executor {
 public:
  Executor() { head_.init(); }
  void schedule(Ready& r) {
    if (!r.scheduled()) head_.append(r);
  }
  // Ahead of everything scheduled so far.
  void schedule_first(Ready& r) {
    r.unlink();
    head_.prepend(r);
  }
  bool idle() const { return head_.empty(); }
  // Runs the oldest ready node; false if there was none.
  bool run_one() { return head_.run_first(); }

 private:
  struct Head final : Ready {
    void init() { next_ = prev_ = this; }
    bool empty() const { return next_ == this; }
    void append(Ready& r) {
      r.prev_ = prev_;
      r.next_ = this;
      prev_->next_ = &r;
      prev_ = &r;
    }
    void prepend(Ready& r) {
      r.prev_ = this;
      r.next_ = next_;
      next_->prev_ = &r;
      next_ = &r;
    }
    bool run_first() {
      if (empty()) return false;
      Ready* r = next_;
      r->unlink();
      r->run();
      return true;
    }
    ~Head() {
      while (!empty()) next_->unlink();
      next_ = prev_ = nullptr;
    }
    void run() noexcept override {}
  } head_;
};

// Auto-reset event with at most one waiter. `set` schedules the waiter, or is remembered for the next `wait`.
class Event {
 public:
  explicit Event(Executor& executor) : executor_(executor) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set() {
    set_ = true;
    if (waiting_) executor_.schedule(*waiting_);
  }
  bool is_set() const { return set_; }

  class Awaiter final : public Ready {
   public:
    explicit Awaiter(Event& event) : event_(event) {}
    ~Awaiter() {
      if (event_.waiting_ == this) event_.waiting_ = nullptr;
    }
    bool await_ready() const noexcept { return event_.set_; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      self_ = h;
      event_.waiting_ = this;
    }
    void await_resume() noexcept {
      event_.set_ = false;
      if (event_.waiting_ == this) event_.waiting_ = nullptr;
    }

   private:
    void run() noexcept override { self_.resume(); }
    Event& event_;
    std::coroutine_handle<> self_;
  };
  Awaiter wait() { return Awaiter(*this); }

 private:
  Executor& executor_;
  Awaiter* waiting_ = nullptr;
  bool set_ = false;
};

// Unbounded single-consumer queue; bound it by protocol (credits), not here. After close(), `next` drains, then gives
// nullopt.
template <class T>
class Channel {
 public:
  explicit Channel(Executor& executor) : ready_(executor) {}
  void push(T value) {
    items_.push_back(std::move(value));
    ready_.set();
  }
  void close() {
    closed_ = true;
    ready_.set();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }
  Task<std::optional<T>> next() {
    while (items_.empty()) {
      if (closed_) co_return std::nullopt;
      co_await ready_.wait();
    }
    std::optional<T> out(std::move(items_.front()));
    items_.pop_front();
    co_return out;
  }

 private:
  std::deque<T> items_;
  Event ready_;
  bool closed_ = false;
};

// Owns root tasks. A finished task frees itself. Destruction (or cancel) destroys what still runs, newest first. A task
// may spawn into its own group; whoever awaited join() may destroy the group.
class TaskGroup {
 public:
  explicit TaskGroup(Executor& executor) : idle_(executor) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() { cancel(); }

  // Runs the task now, up to its first suspension.
  void spawn(Task<void> task) { run(this, std::move(task)); }
  std::size_t size() const { return size_; }
  // Returns when no task is left. One joiner.
  Task<void> join() {
    while (size_ != 0) co_await idle_.wait();
  }
  void cancel() {
    while (last_) std::coroutine_handle<Root::promise_type>::from_promise(*last_).destroy();
  }

 private:
  // Eager, self-destroying coroutine whose promise is a node of the group's list.
  struct Root {
    struct promise_type {
      promise_type(TaskGroup* g, const Task<void>&) : group(g), prev(g->last_) {
        if (prev) prev->next = this;
        g->last_ = this;
        ++g->size_;
      }
      ~promise_type() {
        if (prev) prev->next = next;
        (next ? next->prev : group->last_) = prev;
        if (--group->size_ == 0) group->idle_.set();
      }
      promise_type(const promise_type&) = delete;
      promise_type& operator=(const promise_type&) = delete;
      Root get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
      TaskGroup* group;
      promise_type* prev;
      promise_type* next = nullptr;
    };
  };
  static Root run(TaskGroup*, Task<void> body) { co_await body; }

  Root::promise_type* last_ = nullptr;
  std::size_t size_ = 0;
  Event idle_;
};

}  // namespace aigrid::io
