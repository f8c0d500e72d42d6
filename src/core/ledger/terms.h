// Terms: the numbers of the ledger that are nobody's configuration. Pure.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace aigrid::ledger {

// A token is at least a byte of the body, or one that the model's template or an engine's system prompt adds.
constexpr std::uint64_t kTemplateTokens = 2048;
constexpr std::uint64_t prompt_most(std::uint64_t body_bytes) { return body_bytes + kTemplateTokens; }

// Whose the work is that belongs to no request.
constexpr const char* kPlatformTenant = "platform";

constexpr std::int64_t kNanoPerUnit = 1'000'000'000;  // money is counted in 1e-9 of a currency's unit

// More tokens than one attempt can have: 10^6 such counts still add up below 2^63.
constexpr std::uint64_t kMostTokens = 1'000'000'000'000;

// A request that a node worked for and whose ingress never recorded is closed this long after the node's record came:
// longer than a request may take. A record of the ingress that comes later still takes its place.
constexpr Duration kOrphanGrace = 15min;

}  // namespace aigrid::ledger
