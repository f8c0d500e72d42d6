// Zones: which sites each admits, at one second. Three-valued inside: what a site does not state, and a certificate
// that has expired, is unknown: no in a permit, yes in an exclusion. Pure, any thread.
// Errors: InvalidArgument (duplicate, empty, dangling, cyclic, a date that is none), naming the zone and the rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/dates.h"
#include "core/policy/site_set.h"
#include "grid/inventory.h"

namespace aigrid::policy {

// What one zone admits. `certain` counts; `possible` adds sites that only an unknown attribute keeps out: what an
// exclusion and a forbid cut.
struct ZoneSites {
  SiteSet certain;
  SiteSet possible;
};

struct CompiledZones {
  std::vector<ZoneSites> zones;      // in the order of `inventory.zones`
  std::int64_t good_until = kNoEnd;  // the next second in which a certificate expires
};

// `sites` gives the indices.
Result<CompiledZones> compile_zones(const grid::Inventory& inventory, const std::vector<grid::Site>& sites,
                                    std::int64_t second);

// Why a site is not certainly in a zone: `site "paris" states no cert "secnumcloud"`; empty: it is.
struct Gap {
  std::string text;
  bool unknown = false;  // only something unstated or expired is in the way
};
Gap zone_gap(const grid::Inventory& inventory, const std::string& zone, const grid::Site& site, std::int64_t second);

// Cells alone, whatever stands in them: is all of `inner` inside `outer`? A jurisdiction covers its subdivisions. False
// where `outer` asks for more than places.
bool cells_within(const grid::Inventory& inventory, const std::string& inner, const std::string& outer);

}  // namespace aigrid::policy
