#include "core/resilience/trust.h"

#include <algorithm>
#include <cmath>

namespace aigrid::resilience {

using routing::Trust;

namespace {

void eject(Trust& trust, Time now) {
  const Duration rest = kTrustBounds.eject_least * (std::int64_t{1} << std::min<unsigned>(trust.ejections, 10U));
  trust.ejected = true;
  trust.until = now + std::min(rest, kTrustBounds.eject_most);
  trust.ejections = static_cast<std::uint16_t>(std::min(trust.ejections + 1, 1000));
  trust.faults = 0;
  trust.ratio = 1;
  trust.slow_since = kNever;
}

}  // namespace

void dispatched(Trust& trust, Time now) {
  if (trust.ejected && now >= trust.until) trust.probed = now;
}

void answered(Trust& trust, Duration observed, float predicted_ms, Time now) {
  const float predicted = (std::isnan(predicted_ms) ? 0 : predicted_ms) + kTrustBounds.slack_ms;
  const float ratio = static_cast<float>(to_ms_f(observed)) / predicted;
  trust.faults = 0;
  if (trust.ejected) {
    if (now < trust.until) return;  // asked before it was ejected: says nothing new
    if (ratio > kTrustBounds.slow) return eject(trust, now);
    trust.ejected = false;
    trust.back = now;
    return;
  }
  trust.ratio += kTrustBounds.gain * (ratio - trust.ratio);
  if (trust.ratio <= kTrustBounds.slow) {
    trust.slow_since = kNever;
    if (now - trust.back > kTrustBounds.eject_most) trust.ejections = 0;
  } else if (trust.slow_since == kNever) {
    trust.slow_since = now;
  } else if (now - trust.slow_since >= kTrustBounds.slow_for) {
    eject(trust, now);
  }
}

void failed(Trust& trust, Time now) {
  if (trust.ejected && now < trust.until) return;
  if (!trust.ejected && now - trust.last_fault < kTrustBounds.one_fault) return;
  trust.last_fault = now;
  if (trust.ejected || ++trust.faults >= kTrustBounds.faults) eject(trust, now);
}

}  // namespace aigrid::resilience
