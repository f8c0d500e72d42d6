// What the agent counts for /metrics. Plain, one worker.
#pragma once

#include <cstdint>

namespace aigrid::agent {

struct Counters {
  std::uint64_t residency_denials = 0;
  std::uint64_t grant_denials = 0;
  std::uint64_t finished = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed = 0;  // after they were accepted
  std::uint64_t cancelled = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t gateway_connections = 0;
};

}  // namespace aigrid::agent
