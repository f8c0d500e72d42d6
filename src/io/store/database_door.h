// DatabaseDoor: lets tasks of one worker use a Database: one at a time, in the order they came, where they may block.
// Thread contract: one worker; the function given runs on another thread, so it captures by value and touches nothing
// of the worker. Lifetime: what runs when the caller dies runs to its end, keeping the Database alive.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "io/env/env.h"
#include "io/store/database.h"

namespace aigrid::io {

class DatabaseDoor {
 public:
  DatabaseDoor(Env& env, std::shared_ptr<Database> database)
      : env_(env), state_(std::make_shared<State>(std::move(database))) {}

  template <class R>
  Task<R> run(std::function<R(Database&)> call) {
    Turn turn(*this);
    while (queue_.front() != &turn) co_await turn.event.wait();
    auto result = std::make_shared<std::optional<R>>();
    // The lock is never contended while callers wait for their turn; it is for a caller that died during its call.
    auto body = [state = state_, result, call = std::move(call)] {
      const std::lock_guard guard(state->lock);
      result->emplace(call(*state->database));
    };
    co_await env_.blocking(std::move(body));
    co_return std::move(**result);
  }

 private:
  struct State {
    explicit State(std::shared_ptr<Database> d) : database(std::move(d)) {}
    std::shared_ptr<Database> database;
    std::mutex lock;
  };
  struct Turn {
    explicit Turn(DatabaseDoor& d) : event(d.env_.executor()), door(d) { door.queue_.push_back(this); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      std::erase(door.queue_, this);
      if (!door.queue_.empty()) door.queue_.front()->event.set();
    }
    Event event;
    DatabaseDoor& door;
  };

  Env& env_;
  std::shared_ptr<State> state_;
  std::deque<Turn*> queue_;
};

}  // namespace aigrid::io
