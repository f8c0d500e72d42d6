// Readiness: can a request be routed from here at all? What /readyz of a gateway answers. Pure.
#pragma once

#include "base/result.h"
#include "core/routing/snapshot.h"

namespace aigrid::routing {

// Ok when at least one deployment has a ready node at a site that is reached from here and reported lately; else
// Unavailable saying what is missing.
Result<void> any_site_ready(const Snapshot& snapshot, Time now);

}  // namespace aigrid::routing
