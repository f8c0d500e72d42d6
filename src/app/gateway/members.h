// Who belongs to the grid by the bundle in force: a certificate says who somebody is, the bundle that he still belongs.
// An agent must be a Node of this site, a gateway one of the grid's. Without a bundle nobody is known. Pure look-ups.
// One worker. Errors: PermissionDenied with what to do.
#pragma once

#include "app/gateway/board.h"
#include "base/spiffe.h"

namespace aigrid::gateway {

Result<void> check_member(const Board& board, const Spiffe& who);

}  // namespace aigrid::gateway
