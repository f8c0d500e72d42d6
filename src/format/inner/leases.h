// What gateways say to each other about quotas, as JSON: on `POST /inner/lease`, and a home's book in its file. Pure,
// any thread. Errors: InvalidArgument (not JSON, wrong type or range, no scope).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "grid/quota.h"

namespace aigrid::inner {

std::string encode(const grid::LeaseAsk& ask);
Result<grid::LeaseAsk> decode_lease_ask(std::string_view text);
std::string encode(const grid::LeaseAnswer& answer);
Result<grid::LeaseAnswer> decode_lease_answer(std::string_view text);
// `written_ms`: wall time, for whoever reads it after a restart.
std::string encode(const grid::LeaseState& state, std::int64_t written_ms);
struct HeldLeases {
  grid::LeaseState state;
  std::int64_t written_ms = 0;
};
Result<HeldLeases> decode_lease_state(std::string_view text);

}  // namespace aigrid::inner
