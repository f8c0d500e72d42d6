#include "core/ledger/charge.h"

#include <limits>

namespace aigrid::ledger {

std::int64_t charge(const grid::Usage& usage, const UnitPrices& prices) {
  const auto sum = static_cast<__int128>(usage.prompt_tokens) * prices.input_nano +
                   static_cast<__int128>(usage.completion_tokens) * prices.output_nano;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return sum > kMost ? kMost : static_cast<std::int64_t>(sum);
}

}  // namespace aigrid::ledger
