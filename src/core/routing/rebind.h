// Rebind: carries indices of one bundle's tables over to another's, by name. For what outlives a bundle change:
// requests under way and queues. Pure, any thread. A name that is gone becomes kNone, or leaves the set.
#pragma once

#include <vector>

#include "core/routing/decision.h"

namespace aigrid::routing {

struct Rebind {
  const Tables& from;
  const Tables& to;

  SiteIndex site(SiteIndex s) const;
  NodeIndex node(NodeIndex n) const;
  DeploymentIndex deployment(DeploymentIndex d) const;
  ModelIndex model(ModelIndex m) const;
  // A tenant that is gone sees nothing: an index past the end.
  TenantIndex tenant(TenantIndex t) const;
  SiteSet sites(const SiteSet& set) const;
  Decision decision(const Decision& d) const;
  void excluded(std::vector<Excluded>& list) const;  // drops places that are gone
  // Tenant, model and permitted sites. `permitted` only loses sites here: who asks for the new law asks
  // Tables::residency.
  RouteInput input(const RouteInput& in) const;
};

}  // namespace aigrid::routing
