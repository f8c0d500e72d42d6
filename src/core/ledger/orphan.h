// Orphans: a request that nodes worked for and whose ingress never said how it ended, closed from what the nodes say.
// Its client had no whole answer, so nothing is billed. Pure.
#pragma once

#include <vector>

#include "grid/usage.h"

namespace aigrid::ledger {

// The terminal record; identity and source are the caller's. `attempts`: of one request, at least one.
grid::Record close_orphan(const std::vector<grid::AgentRecord>& attempts);

}  // namespace aigrid::ledger
