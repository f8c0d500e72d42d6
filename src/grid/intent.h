// Intent: what a request asks for. Constraints only narrow (they intersect over key, header, body); preferences
// override. Plain value, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "grid/tier.h"

namespace aigrid::grid {

enum class Sort : std::uint8_t { Latency, Price };

struct Intent {
  // Constraints.
  std::vector<std::string> zones;     // all must hold
  std::optional<double> max_ttft_ms;  // hard when required
  bool require_ttft = false;
  std::optional<std::int64_t> max_price_nano;  // per output token
  std::vector<std::string> only_sites;
  std::vector<std::string> ignore_sites;
  bool allow_fallbacks = true;
  std::uint32_t data_level = 0;  // at least; only raises what tenant, project and key say
  std::vector<std::string> regimes{};
  // Preferences.
  std::optional<Sort> sort;
  std::optional<Tier> tier{};
  bool trace = false;    // full explanation in the answer
  bool dry_run = false;  // decide, answer nothing
};

}  // namespace aigrid::grid
