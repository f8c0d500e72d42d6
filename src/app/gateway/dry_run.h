// Dry run (`grid.dry_run`): the decision, its explanation, the predicted time to the first token and the price, and no
// token: nothing is asked of any node. One worker; the record is written here.
#pragma once

#include "app/gateway/admitted.h"
#include "app/gateway/services.h"
#include "io/http/server.h"

namespace aigrid::gateway {

io::Task<void> answer_dry_run(Services& services, io::Exchange& exchange, Admitted& admitted);

}  // namespace aigrid::gateway
