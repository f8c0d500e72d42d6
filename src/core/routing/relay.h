// By which third sites the gateways of a site can be reached when the direct link to it is dead. Pure, any thread.
#pragma once

#include <vector>

#include "core/routing/snapshot.h"

namespace aigrid::routing {

// Sites to try, best first: only those with a live direct link from `snapshot.here`. First those in the jurisdiction of
// either end, because they may pass on most of what the ends may have; then the shortest way, by what is measured to
// the third site and what is known of the distance from there. Whether a request may take the way is asked for each
// request (RouteInput::relay), and by the site it arrives at.
std::vector<SiteIndex> relay_sites(const Snapshot& snapshot, SiteIndex target);

}  // namespace aigrid::routing
