#include "io/env/door.h"

namespace aigrid::io {

void Door::tell(std::function<void()> what) const {
  box_->post([inside = inside_, what = std::move(what)] {
    if (inside->tasks != nullptr) what();
  });
}

Reception::Reception(Env& env)
    : box_(env.mailbox()), inside_(std::make_shared<Door::Inside>(&env)), tasks_(env.executor()) {
  inside_->tasks = &tasks_;
}

Reception::~Reception() { inside_->tasks = nullptr; }

}  // namespace aigrid::io
