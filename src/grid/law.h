// Where data may go: zones and policies. Plain values, any thread. Semantics: core/policy.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace aigrid::grid {

// A named, finite set of sites: those of the listed jurisdictions (and of the included zones), minus the excluded
// zones, that have every required attribute and whose operator is under no forbidden control. An unknown attribute does
// not match.
struct Zone {
  std::string name;
  std::vector<std::string> jurisdictions;
  std::vector<std::string> include;            // other zones
  std::vector<std::string> exclude;            // other zones
  std::map<std::string, std::string> require;  // site attributes
  std::vector<std::string> control_within;     // operator's control must be a subset of these; empty: any
};

// Applies to the tenants or projects it names (empty: to all). `zone` bounds where their requests may execute.
struct Policy {
  std::string name;
  std::vector<std::string> tenants;
  std::vector<std::string> models;
  std::string zone;
};

}  // namespace aigrid::grid
