// How the choice heeds trust. Private to core/routing. Pure, no allocation.
#pragma once

#include "core/routing/snapshot.h"
#include "core/routing/thresholds.h"

namespace aigrid::routing {

// Ejected and not to be probed now.
inline bool shut_out(const Trust& t, Time now) {
  return t.ejected && (now < t.until || now - t.probed < kThresholds.probe_every);
}

// What a place that is back is taken to be slower by, so that it is not overrun.
inline float slow_start_ms(const Trust& t, Time now) {
  const Duration since = now - t.back;
  if (since >= kThresholds.slow_start) return 0;
  return kThresholds.slow_start_ms *
         (1 - static_cast<float>(to_ms_f(since)) / static_cast<float>(to_ms_f(kThresholds.slow_start)));
}

}  // namespace aigrid::routing
