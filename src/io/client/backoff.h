// Backoff: how long to wait before the next try of something that failed: doubling, jittered (full jitter over the
// upper half), bounded; reset by success. One owner. Seed it from Env::entropy, so that a herd spreads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/random.h"
#include "base/time.h"

namespace aigrid::io {

struct BackoffLimits {
  Duration least = 100ms;
  Duration most = 5s;
};

class Backoff {
 public:
  explicit Backoff(std::uint64_t seed, BackoffLimits limits = {})
      : random_(seed), limits_(limits), next_(limits.least) {}
  // In [next/2, next], where next doubles at each call up to the bound.
  Duration failed() {
    const Duration half = next_ / 2;
    const Duration wait =
        half + Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(half.count()) + 1)));
    next_ = std::min(next_ * 2, limits_.most);
    return wait;
  }
  void succeeded() { next_ = limits_.least; }

 private:
  Random random_;
  BackoffLimits limits_;
  Duration next_;
};

}  // namespace aigrid::io
