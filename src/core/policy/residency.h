// Residency: where a request may execute. Zones, tenants, projects and policies of one bundle, compiled to site sets;
// the ingress asks for the permitted set, a node asks whether its own site is in it. Immutable once compiled, any
// thread. A site's index is its rank by name, as in routing::Tables. Errors: InvalidArgument (a zone that cannot be
// compiled), NotFound (an unknown name; the message has the nearest). Fails closed: an error permits nothing.
//
// Unknown is no: a site with an unstated fact is in no zone that asks for it, and is cut by a zone excluded for it.
// A jurisdiction covers its subdivisions (ISO 3166-2: `US` covers `US-CA`); a site known only as `US` is not in
// `US-CA`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/policy/site_set.h"
#include "grid/inventory.h"

namespace aigrid::policy {

// What one zone admits. `certain` counts; `possible` adds sites that only an unstated fact keeps out: what an exclusion
// cuts.
struct ZoneSites {
  SiteSet certain;
  SiteSet possible;
};

// In the order of `inventory.zones`; `sites` gives the indices. The error names the zone and the rule it breaks:
// duplicate, empty (neither jurisdictions nor included zones), dangling include or exclude, cyclic.
Result<std::vector<ZoneSites>> compile_zones(const grid::Inventory& inventory, const std::vector<grid::Site>& sites);

// Who asks, for what, and what narrows further. `zones`: the key's and the intent's, all of which must hold.
struct Subject {
  std::string_view tenant{};
  std::string_view project{};  // empty: none
  std::string_view model{};    // empty: policies bound to models do not apply
  std::string_view key_zone{};
  const std::vector<std::string>* zones = nullptr;
};

struct Permit {
  SiteSet sites;
  // What narrowed, widest level first: `tenant "mairie" zone "fr"`.
  std::vector<std::string> rules;
};

class Residency {
 public:
  // Copies what it needs. Fails on a zone that cannot be compiled and on a tenant, project or policy naming no zone
  // there is.
  static Result<Residency> compile(const grid::Inventory& inventory);

  Result<Permit> permitted(const Subject& subject) const;
  // A node's question. False on any error.
  bool permits(const Subject& subject, std::string_view site) const;

  std::optional<SiteIndex> find_site(std::string_view name) const;
  const std::vector<std::string>& site_names() const { return site_names_; }
  const SiteSet& everywhere() const { return everywhere_; }
  // The sites of a zone; null when there is no such zone.
  const SiteSet* zone(std::string_view name) const;
  // Zones that no site is in now: legal, but worth a warning when one is applied.
  std::vector<std::string> deserted_zones() const;

 private:
  using Named = std::pair<std::string, SiteSet>;
  Result<void> narrow(Permit& permit, std::string_view level, std::string_view zone) const;
  Result<void> narrow_by_account(Permit& permit, const Subject& subject) const;

  std::vector<std::string> site_names_;
  SiteSet everywhere_;
  std::vector<Named> zones_;
  std::vector<grid::Tenant> tenants_;
  std::vector<grid::Project> projects_;
  std::vector<grid::Policy> policies_;
};

}  // namespace aigrid::policy
