#include "core/estimate/ttft.h"

#include <algorithm>
#include <cmath>

namespace aigrid::estimate {
namespace {

// The 95th percentile of an exponential is three times its mean.
constexpr float kP95OverMean = 3;

float known(float measured, float prior) {
  const float rate = std::isnan(measured) || measured <= 0 ? prior : measured;
  return std::isnan(rate) || rate < 1 ? 1 : rate;
}

}  // namespace

Rates rates(float measured_prefill, float measured_decode, const Rates& prior) {
  return {known(measured_prefill, prior.prefill_tokens_per_s), known(measured_decode, prior.decode_tokens_per_s)};
}

float prefill_ms(const Work& work, const Rates& rates) {
  return static_cast<float>(work.prompt_tokens) * 1000 / rates.prefill_tokens_per_s;
}

float service_ms(const Work& work, const Rates& rates) {
  return prefill_ms(work, rates) + static_cast<float>(work.output_tokens) * 1000 / rates.decode_tokens_per_s;
}

float wait_ms(const QueueReading& queue, float mean_service_ms) {
  const float slots = static_cast<float>(std::max(queue.slots, 1U));
  const float turn = mean_service_ms / slots;  // how often a slot comes free when all are taken
  const auto turns = [&](std::uint32_t n) { return static_cast<float>(n) * turn; };

  float wait = queue.wait_ms;
  if (std::isnan(wait)) wait = queue.free_slots > 0 ? 0 : turns(queue.queued + 1);
  wait = std::max(wait, 0.0F);
  // Our own: the first of them fill the free slots; with those gone, this request stands behind the rest.
  const std::uint32_t mine = queue.own_inflight;
  if (queue.free_slots == 0) {
    wait += turns(mine);
  } else if (mine >= queue.free_slots) {
    wait += turns(mine + 1 - queue.free_slots);
  }
  if (queue.age > kAgeing) {
    const float used = (slots - static_cast<float>(std::min(queue.free_slots, queue.slots))) / slots;
    wait += used * static_cast<float>(to_ms_f(queue.age - kAgeing));
  }
  if (queue.age > kOld) wait = std::max(wait, kP95OverMean * mean_service_ms);
  return wait;
}

}  // namespace aigrid::estimate
