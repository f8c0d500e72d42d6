// Told: what happened to one request, on its way to its RequestLife. Its places go by name, because the bundle may
// change before it is fed. One worker.
#pragma once

#include <string>
#include <vector>

#include "core/dispatch/request_life.h"
#include "io/env/task.h"

namespace aigrid::gateway {

struct Told {
  dispatch::Event event;
  std::string node{};
  std::vector<std::string> sites{};
};
using Events = io::Channel<Told>;

}  // namespace aigrid::gateway
