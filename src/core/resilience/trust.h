// Trust in a site seen from an ingress, from how attempts there end: faults in a row eject it, and so does a time to
// the first token far beyond what was predicted, for long enough (a grey failure). An ejected site is half open after a
// while that doubles: one probe at a time; what succeeds brings it back, slowly. Refusals are backpressure and clients'
// errors are clients' errors: neither comes here. The choice heeds it (core/routing), and not when more than half of
// the sites would be shut out. Pure; one owner. Source: routing-algorithms B5.
#pragma once

#include "base/time.h"
#include "core/routing/snapshot.h"

namespace aigrid::resilience {

struct TrustBounds {
  std::uint16_t faults = 3;    // in a row
  Duration one_fault = 100ms;  // streams that a dead node takes with it are one
  Duration eject_least = 1s;   // doubling, to
  Duration eject_most = 30s;
  float gain = 0.3F;       // of the smoothed ratio
  float slack_ms = 250;    // a prediction of a millisecond is not worth a ratio
  float slow = 4;          // a ratio above
  Duration slow_for = 3s;  // for so long ejects
};
inline constexpr TrustBounds kTrustBounds{};

void dispatched(routing::Trust& trust, Time now);  // a request goes there: perhaps the probe
void answered(routing::Trust& trust, Duration observed, float predicted_ms, Time now);
void failed(routing::Trust& trust, Time now);

}  // namespace aigrid::resilience
