// Tier: how urgent a request is. Its place in a queue, what routing weighs and whether it may be asked twice hang on
// it. Plain values, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace aigrid::grid {

enum class Tier : std::uint8_t { Realtime, Standard, Economy, Batch };
inline constexpr std::array<std::string_view, 4> kTiers = {"realtime", "standard", "economy", "batch"};

constexpr std::string_view to_string(Tier tier) { return kTiers.at(static_cast<std::size_t>(tier)); }

constexpr std::optional<Tier> find_tier(std::string_view word) {
  for (std::size_t i = 0; i < kTiers.size(); ++i) {
    if (kTiers[i] == word) return static_cast<Tier>(i);
  }
  return std::nullopt;
}

}  // namespace aigrid::grid
