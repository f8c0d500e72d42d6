// Intent merging: constraints intersect, preferences are overridden by the nearer source. Pure, any thread.
// Errors: InvalidArgument where the sources contradict each other (sites asked for that have none in common).
#pragma once

#include <span>

#include "base/result.h"
#include "grid/intent.h"

namespace aigrid::access {

// `sources` from the farthest (the key's defaults) to the nearest (the request's body).
// zones: all of them; only_sites: those in every list; ignore_sites: in any; max_price: the lowest; allow_fallbacks:
// all must; data_level: the highest; regimes: all of them; max_ttft_ms: the lowest required one, else the nearest wish;
// sort, tier: the nearest; trace, dry_run: any.
Result<grid::Intent> merge(std::span<const grid::Intent> sources);
Result<grid::Intent> merge(const grid::Intent& key, const grid::Intent& header, const grid::Intent& body);

}  // namespace aigrid::access
