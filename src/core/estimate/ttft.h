// TTFT: what a new request would wait for its first token at a place: RTT + wait + prefill, from the last report, with
// priors where nothing was measured and pessimism where the report is old. Pure, no allocation. Unknown inputs are NaN.
// Algorithm: mean service time over slots for the queue (M/M/c without its tail), reference B1 and B6 for staleness.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace aigrid::estimate {

// Text of most languages runs at about four bytes a token; JSON around it only adds. Counted again by the engine.
inline constexpr std::uint64_t kBytesPerToken = 4;
constexpr std::uint32_t tokens_of_bytes(std::uint64_t bytes) {
  const std::uint64_t tokens = (bytes + kBytesPerToken - 1) / kBytesPerToken;
  return tokens > 0xffffffffU ? 0xffffffffU : static_cast<std::uint32_t>(tokens);
}

// A report this old makes the wait grow with the place's utilisation; older still, the wait is taken as its 95th
// percentile.
inline constexpr Duration kAgeing = 1s;
inline constexpr Duration kOld = 5s;

struct Rates {
  float prefill_tokens_per_s = 0;
  float decode_tokens_per_s = 0;
};

struct Work {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens = 0;  // expected, not the limit
};

// The expected output under a limit: half of it (0: half of `otherwise`).
constexpr std::uint32_t expected_output(std::uint32_t limit, std::uint32_t otherwise) {
  return ((limit != 0 ? limit : otherwise) + 1) / 2;
}

struct QueueReading {
  float wait_ms;  // as its owner predicted for a new request; NaN: unknown
  std::uint32_t slots = 0;
  std::uint32_t free_slots = 0;
  std::uint32_t queued = 0;
  std::uint32_t own_inflight = 0;  // sent since and not yet in the report
  Duration age{};
};

// Measured where known (positive), else the prior; never below one token a second.
Rates rates(float measured_prefill, float measured_decode, const Rates& prior);

float prefill_ms(const Work& work, const Rates& rates);
// How long the request holds a slot.
float service_ms(const Work& work, const Rates& rates);
float wait_ms(const QueueReading& queue, float mean_service_ms);

}  // namespace aigrid::estimate
