#include "core/routing/readiness.h"

#include "core/routing/thresholds.h"

namespace aigrid::routing {

Result<void> any_site_ready(const Snapshot& snapshot, Time now) {
  const Tables& tables = *snapshot.tables;
  if (tables.deployments.empty()) return unavailable("the bundle has no deployment: apply one");
  for (std::size_t d = 0; d < tables.deployments.size(); ++d) {
    for (const SiteIndex s : tables.deployments[d].site_list) {
      const SiteRow& row = snapshot.site_row(static_cast<DeploymentIndex>(d), s);
      const bool reached = s == snapshot.here || snapshot.links[s].up;
      if (reached && row.present && row.ready_nodes > 0 && now - row.at < kThresholds.site_silent) return {};
    }
  }
  return unavailable("no ready node at any site that is reached from here");
}

}  // namespace aigrid::routing
