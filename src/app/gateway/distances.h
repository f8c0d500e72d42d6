// Distances to other gateways as leaves of the audit log: from time to time the gateway with the lower name of each
// pair says what round trip it has measured, the other says what it has, both sign, and the statement is a leaf here
// (core/audit/distance.h). One worker; the services outlive the tasks.
#pragma once

#include <memory>

#include "app/gateway/services.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

// For ever, on the main worker.
io::Task<void> state_distances(Services& services);
// POST /inner/distance: a peer's statement, answered with our own measurement and signature.
io::Task<void> serve_distance(Services& services, std::shared_ptr<io::H2Stream> stream);

}  // namespace aigrid::gateway
