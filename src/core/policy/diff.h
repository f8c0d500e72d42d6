// Diff: what a change of the law changes, computed, not read: for every account, action and class of data, which of the
// sites that both sides have may be used after and could not before, and the reverse. Pure; proportional to accounts ×
// classes, so it may take long in a large grid: run it where it may block. Exact over levels, actions and models;
// over regimes exact up to kExactRegimes of them, above that by probes (each alone, each clause's set, pairs of these).
#pragma once

#include <string>
#include <vector>

#include "core/policy/residency.h"

namespace aigrid::policy {

inline constexpr std::size_t kExactRegimes = 6;

struct Shift {
  std::string tenant;
  std::string project;  // empty: requests without one
  std::string model;    // empty: models that no policy names
  Action action = Action::Process;
  std::uint32_t from_level = 0;  // the lowest and highest data level that it shows at
  std::uint32_t to_level = 0;
  std::vector<std::string> gained;  // sites
  std::vector<std::string> lost;
  bool widens() const { return !gained.empty(); }
};

// Both compiled at `second`. Only accounts of both sides: a new tenant had nothing to lose.
Result<std::vector<Shift>> diff(const grid::Inventory& before, const grid::Inventory& after, std::int64_t second);
// `makes 2 more sites eligible for tenant "acme", action process, data levels 0 to 2: lyon, paris`
std::vector<std::string> to_text(const Shift& shift);
bool widens(const std::vector<Shift>& shifts);

}  // namespace aigrid::policy
