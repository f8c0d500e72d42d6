// Which seeds a world test runs: AIGRID_WORLD_SEED=N (or --seed=N) that one alone; else 1 … AIGRID_WORLD_SEEDS (default
// 5).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace aigrid::world {

inline std::vector<std::uint64_t> seeds(std::uint64_t by_default = 5) {
  if (const char* one = std::getenv("AIGRID_WORLD_SEED")) return {std::strtoull(one, nullptr, 10)};
  const char* many = std::getenv("AIGRID_WORLD_SEEDS");
  const std::uint64_t count = many != nullptr ? std::strtoull(many, nullptr, 10) : by_default;
  std::vector<std::uint64_t> out;
  for (std::uint64_t seed = 1; seed <= count; ++seed) out.push_back(seed);
  return out;
}

// What a failing test says.
inline std::string replay(std::uint64_t seed, const std::string& test) {
  return "replay: world_test --gtest_filter=" + test + " --seed=" + std::to_string(seed);
}

}  // namespace aigrid::world
