// settle_attempts: what a node says it did for an attempt is held against its ingress's record of the request; where
// the record lacks some of it, the difference is waived. close_orphans: requests that nodes worked for and whose
// ingress never said how they ended get their terminal record from control, some time after the last node's record
// came, and another in its place when one comes later still. If the ingress's own record comes after all, it takes that
// place.
#pragma once

#include "app/control/services.h"

namespace aigrid::control {

// For ever.
io::Task<void> close_orphans(Services& services);
io::Task<void> settle_attempts(Services& services);

}  // namespace aigrid::control
