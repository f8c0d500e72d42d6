#include "core/resilience/hedge.h"

#include <algorithm>
#include <cmath>

namespace aigrid::resilience {

namespace {

constexpr double kQuantile = 0.95;
constexpr std::uint32_t kOne = 1000;

double expected_ms(float predicted_ms) {
  return (std::isnan(predicted_ms) ? 0.0 : static_cast<double>(predicted_ms)) + kHedgeBounds.slack_ms;
}

}  // namespace

void requested(routing::Hedging& hedging) {
  hedging.credit = std::min(hedging.credit + kHedgeBounds.share, kHedgeBounds.most);
}

void hedged(routing::Hedging& hedging) { hedging.credit -= std::min(hedging.credit, kOne); }

// Stochastic approximation of the percentile: up by much for one above, down by little for one below, in balance where
// one in twenty is above.
void answered(routing::Hedging& hedging, Duration observed, float predicted_ms) {
  const double ratio = to_ms_f(observed) / expected_ms(predicted_ms);
  const double gain = hedging.seen < kHedgeBounds.samples ? 5 * kHedgeBounds.gain : kHedgeBounds.gain;
  const double step = ratio > static_cast<double>(hedging.ratio) ? 1 + gain * kQuantile : 1 - gain * (1 - kQuantile);
  hedging.ratio = static_cast<float>(
      std::clamp(static_cast<double>(hedging.ratio) * step, kHedgeBounds.least, kHedgeBounds.greatest));
  hedging.seen = std::min(hedging.seen + 1, kHedgeBounds.samples);
}

std::optional<Duration> hedge_after(const routing::Hedging* hedging, float predicted_ms) {
  if (hedging == nullptr || hedging->seen < kHedgeBounds.samples || hedging->credit < kOne) return std::nullopt;
  return from_ms_f(static_cast<double>(hedging->ratio) * kHedgeBounds.margin * expected_ms(predicted_ms));
}

}  // namespace aigrid::resilience
