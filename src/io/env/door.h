// Door: how the workers of one process ask each other: by mailbox, never by memory. A Reception stands on the worker
// that is asked and runs what comes in as tasks of its own; a Door leads to it from anywhere. What is asked carries all
// it needs with it and otherwise touches only what belongs to the worker that it runs on. On the reception's own worker
// a Door is a plain call.
// Thread contract: a Reception belongs to its worker; a Door may be copied to any worker, and used by one at a time.
// Lifetime: whatever the tasks use outlives the Reception; its end destroys them. A Door may outlive it.
// Errors: Unavailable from ask() when the reception is gone, before or meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "io/env/env.h"

namespace aigrid::io {

class Door {
 public:
  Door() = default;  // leads nowhere: to be assigned before it is used
  // Runs `what` there, later; not at all when the reception is gone.
  void tell(std::function<void()> what) const;
  // Runs the task that `work` makes there; what it returns comes back here. Who stops waiting does not stop the work.
  template <class T>
  Task<Result<T>> ask(Env& here, std::function<Task<Result<T>>()> work) const;

 private:
  friend class Reception;
  struct Inside {
    Env* env;                    // of the reception's worker: to be compared only
    TaskGroup* tasks = nullptr;  // used on that worker only; null: the reception is gone
  };
  Door(std::shared_ptr<Mailbox> box, std::shared_ptr<Inside> inside)
      : box_(std::move(box)), inside_(std::move(inside)) {}
  template <class T>
  struct Call;
  template <class T>
  static Task<void> carry_out(std::shared_ptr<Call<T>> call);

  std::shared_ptr<Mailbox> box_;
  std::shared_ptr<Inside> inside_;
};

class Reception {
 public:
  explicit Reception(Env& env);
  ~Reception();
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;
  Door door() const { return {box_, inside_}; }

 private:
  std::shared_ptr<Mailbox> box_;
  std::shared_ptr<Door::Inside> inside_;
  TaskGroup tasks_;
};

// A question under way. Destroyed unanswered, it says so to whoever waits.
template <class T>
struct Door::Call {
  struct Waiting {  // touched by the worker that asked only
    Event* come = nullptr;
    std::optional<Result<T>> answer;
  };
  std::function<Task<Result<T>>()> work;
  std::shared_ptr<Mailbox> back;
  std::shared_ptr<Waiting> waiting;
  bool answered = false;

  ~Call() {
    if (!answered) reply(unavailable("another worker of this process has ended"));
  }
  void reply(Result<T> result) {
    answered = true;
    back->post([waiting = waiting, carried = std::make_shared<Result<T>>(std::move(result))] {
      if (waiting->come == nullptr) return;
      waiting->answer.emplace(std::move(*carried));
      waiting->come->set();
    });
  }
};

template <class T>
Task<void> Door::carry_out(std::shared_ptr<Call<T>> call) {
  auto result = co_await call->work();
  call->reply(std::move(result));
}

template <class T>
Task<Result<T>> Door::ask(Env& here, std::function<Task<Result<T>>()> work) const {
  if (&here == inside_->env) co_return co_await work();
  const auto waiting = std::make_shared<typename Call<T>::Waiting>();
  Event come(here.executor());
  waiting->come = &come;
  struct Leave {
    typename Call<T>::Waiting& waiting;
    ~Leave() { waiting.come = nullptr; }
  } const leave{*waiting};
  {
    auto call = std::make_shared<Call<T>>(std::move(work), here.mailbox(), waiting);
    box_->post([inside = inside_, call = std::move(call)] {
      if (inside->tasks != nullptr) inside->tasks->spawn(carry_out(call));
    });
  }
  while (!waiting->answer) co_await come.wait();
  co_return std::move(*waiting->answer);
}

}  // namespace aigrid::io
