// Placing: tells which deployments stand where the law forbids them, after every change and whenever something expires:
// the condition PlacementForbidden of a Deployment, and a line in the log. What they mean for requests, gateways and
// nodes decide from their bundles. One worker; until the task is destroyed.
#pragma once

#include "app/control/services.h"

namespace aigrid::control {

io::Task<void> watch_placing(Services& services);

}  // namespace aigrid::control
