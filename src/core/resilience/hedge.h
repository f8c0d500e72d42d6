// Hedging: when a request whose first token is late is asked at a second place, and how many may be. Late is clearly
// beyond the 95th percentile of what was observed against what was predicted, so that fewer than one in twenty are; a
// budget holds the extra work to a share of all requests. Pure; one owner. Source: The Tail at Scale;
// routing-algorithms B2.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "core/routing/snapshot.h"

namespace aigrid::resilience {

struct HedgeBounds {
  std::uint32_t share = 50;     // thousandths of a hedge that each request earns: 5 %
  std::uint32_t most = 10'000;  // saved up at most: ten hedges
  std::uint32_t samples = 20;   // before the percentile means anything
  double margin = 1.5;          // beyond the percentile: where all take as long as each other, none is late
  double gain = 0.1;            // of one observation
  double slack_ms = 20;         // a prediction of a millisecond is not worth a ratio
  double least = 0.05;          // of the ratio
  double greatest = 50;
};
inline constexpr HedgeBounds kHedgeBounds{};

void requested(routing::Hedging& hedging);  // a request, of whatever tier
void hedged(routing::Hedging& hedging);     // one was asked a second time
void answered(routing::Hedging& hedging, Duration observed, float predicted_ms);

// After so long without a first token; nothing: not at all, for now.
std::optional<Duration> hedge_after(const routing::Hedging* hedging, float predicted_ms);

}  // namespace aigrid::resilience
