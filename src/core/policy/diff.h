// Diff: what a change of the law changes, computed, not read: both sides are compiled, and for every account, key,
// action and class of data the permitted sites are compared. What is not there permits nothing: so an account, a site,
// a model or a key that comes (or comes back) gains what it then has. Also later: at every date on which something
// ends. Pure; proportional to accounts × classes × dates, so it may take long in a large grid: run it where it may
// block. Exact over levels, actions and models; over regimes exact up to kExactRegimes of them, above that by probes
// (each alone, each clause's set, pairs of these); over dates exact up to kMostDates, above that those that only one
// side has come first.
#pragma once

#include <string>
#include <vector>

#include "core/policy/residency.h"

namespace aigrid::policy {

inline constexpr std::size_t kExactRegimes = 6;
inline constexpr std::size_t kMostDates = 64;

// Of one subject: an account (perhaps with a key or a model), or a name that requests may go by.
struct Shift {
  std::string tenant;
  std::string project;  // empty: requests without one
  std::string key;      // its id; empty: any key of the account that does not narrow
  std::string zone;     // alone: what keys and requests that name it may reach
  std::string host;     // alone: what requests that come by this name may reach, as `name at site "s"`
  std::string model;    // empty: models that no policy names
  std::vector<Action> actions;
  std::uint32_t from_level = 0;  // the lowest and highest data level that it shows at
  std::uint32_t to_level = 0;
  std::int64_t since = 0;           // unix second from which on; 0: at once
  std::vector<std::string> gained;  // sites
  std::vector<std::string> lost;
  bool widens() const { return !gained.empty(); }
};

// `keys` of both sides: those to compare; a key of `after` alone gains. All from `second` on.
Result<std::vector<Shift>> diff(const grid::Inventory& before, const grid::Inventory& after, std::int64_t second);
// Of the keys alone, where nothing else has changed.
Result<std::vector<Shift>> diff_keys(const grid::Inventory& before, const grid::Inventory& after, std::int64_t second);
// `makes 2 more sites eligible for tenant "acme", action process, data level 0 to 2: lyon, paris`
std::vector<std::string> to_text(const Shift& shift);
bool widens(const std::vector<Shift>& shifts);

}  // namespace aigrid::policy
