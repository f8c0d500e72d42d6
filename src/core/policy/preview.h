// Preview: recorded traffic under another law: which requests would have been refused, would have run elsewhere, or
// would not have been refused. What happened is taken from the record, what would have happened from the compiled new
// law, at the second of the request: the account, key, model, the door and what the request itself asked for as
// recorded. Capacity, prices and distance are not asked again: `moved` says that another permitted place serves the
// model, not which would win. Pure; one owner. Proportional to the requests fed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/policy/residency.h"

namespace aigrid::policy {

// A request as its record and its key tell it.
struct Recorded {
  std::string request_id;
  std::string tenant;
  std::string project;
  std::string model;
  std::string door;     // the site it came in at; empty: not known any more, and then not asked
  std::string site;     // that served it; empty: none did
  bool denied = false;  // it was refused for residency
  std::string key_zone;
  std::vector<std::string> key_regimes;
  std::uint32_t data_level = 0;  // the higher of key and request
  std::vector<std::string> zones;
  std::vector<std::string> regimes;
  std::vector<std::string> only_sites;
  std::vector<std::string> ignore_sites;
  std::int64_t second = 0;
};

enum class Fate : std::uint8_t { Same, Refused, Moved, Allowed };
std::string_view to_string(Fate fate);

struct Foretold {
  Fate fate = Fate::Same;
  std::string rule;  // Refused, Moved: what cuts the place that served it
};

// One line of the answer: so many requests of one tenant, at one site, for one rule.
struct Tally {
  std::uint64_t requests = 0;
  std::vector<std::string> examples;  // request ids, the first few
};

class Preview {
 public:
  // The configuration as it would be, its keys not needed.
  static Result<Preview> compile(const grid::Inventory& after, std::int64_t second);

  Foretold foretell(const Recorded& request) const;
  void add(const Recorded& request);

  struct Key {
    Fate fate = Fate::Same;
    std::string tenant;
    std::string site;  // where it was served; of Allowed: where it came in
    std::string rule;
    auto operator<=>(const Key&) const = default;
  };
  std::uint64_t requests() const { return requests_; }
  const std::map<Key, Tally>& changes() const { return changes_; }  // without Same

 private:
  SiteSet asked_for(const Recorded& request) const;

  Residency residency_;
  std::map<std::string, SiteSet> places_;  // of models, by name and alias
  std::uint64_t requests_ = 0;
  std::map<Key, Tally> changes_;
};

}  // namespace aigrid::policy
