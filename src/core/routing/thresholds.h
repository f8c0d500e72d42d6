// Thresholds: every number that routing decides by, in one place. Milliseconds unless the type says otherwise.
#pragma once

#include "base/time.h"

namespace aigrid::routing {

struct Thresholds {
  Duration site_silent = 10s;  // a site row older than this is no row (reports come every 200 ms)
  Duration node_silent = 3s;   // a node row likewise (reports come every 100 ms)
  float hopeless_wait_ms = 30'000;
  float tie_ms = 1;  // scores this near are equal: the random source decides
  // A prompt is measured in bytes here and in tokens at the engine: refuse only what cannot fit.
  float context_slack = 2;
  // One unit of money is 1e9 nano. At 5e-5 ms per nano, half a request of 512 tokens at 200 nano a token weighs 5 ms:
  // it decides between neighbours and nothing else. Sorting by price makes it outweigh any distance on Earth.
  float ms_per_nano = 5e-5F;
  float hand_on_wait_ms = 20;  // a shorter wait is not worth another hop
  float hand_on_gain_ms = 5;   // beyond the way there
  Duration probe_every = 1s;   // of a place that is ejected and half open
  Duration slow_start = 30s;   // a place that is back is taken for slower, less and less
  float slow_start_ms = 1000;  // by so much at first
  float price_sort_factor = 100;
};
inline constexpr Thresholds kThresholds{};

}  // namespace aigrid::routing
