// Sensitivity: how sensitive a request's data is: a level and a set of regimes, as a bit mask over the regimes that the
// bundle knows. Only ever raised: every source (tenant, project, key, header, body) can add. Plain value, any thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace aigrid::policy {

// The bit of every regime that no policy and no account names: no permit covers it.
inline constexpr std::uint64_t kUnknownRegime = std::uint64_t{1} << 63U;
inline constexpr std::size_t kMaxRegimes = 63;

struct Sensitivity {
  std::uint32_t level = 0;
  std::uint64_t regimes = 0;
  void raise(const Sensitivity& other) {
    level = std::max(level, other.level);
    regimes |= other.regimes;
  }
  bool operator==(const Sensitivity&) const = default;
};

}  // namespace aigrid::policy
