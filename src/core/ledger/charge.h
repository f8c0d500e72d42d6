// Charge: what a request costs its tenant: usage × the prices in force when it was admitted. Exact integers, 1e-9 of
// the currency unit; no rounding happens here. Pure.
#pragma once

#include <cstdint>

#include "grid/usage.h"

namespace aigrid::ledger {

struct UnitPrices {
  std::int64_t input_nano = 0;   // per prompt token
  std::int64_t output_nano = 0;  // per completion token
};

// Saturates at the largest int64 instead of wrapping: a bill that large is looked at, not paid.
std::int64_t charge(const grid::Usage& usage, const UnitPrices& prices);

}  // namespace aigrid::ledger
