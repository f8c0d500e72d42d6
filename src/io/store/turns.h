// Turns: tasks of one worker take turns, in the order they came. A turn ends with its Turn. One worker.
#pragma once

#include <deque>

#include "io/env/task.h"

namespace aigrid::io {

class Turns {
 public:
  explicit Turns(Executor& executor) : executor_(executor) {}

  class Turn {
   public:
    explicit Turn(Turns& turns) : event_(turns.executor_), turns_(turns) { turns_.queue_.push_back(this); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      std::erase(turns_.queue_, this);
      if (!turns_.queue_.empty()) turns_.queue_.front()->event_.set();
    }
    Task<void> mine() {
      while (turns_.queue_.front() != this) co_await event_.wait();
    }

   private:
    Event event_;
    Turns& turns_;
  };

 private:
  Executor& executor_;
  std::deque<Turn*> queue_;
};

}  // namespace aigrid::io
