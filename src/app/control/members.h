// Who belongs to the grid by the configuration as it stands: a certificate says who somebody is, the Gateway or Node of
// that name at that site that he still belongs. Pure look-ups. One worker. Errors: PermissionDenied with what to do.
#pragma once

#include <string>

#include "app/control/catalog.h"
#include "base/spiffe.h"
#include "core/access/join.h"

namespace aigrid::control {

Result<void> check_member(const Catalog& catalog, const Spiffe& who);
// Where the name stands; what earlier joins say of it is not known here.
access::NameStanding standing_of(const Catalog& catalog, Role role, const std::string& name);

}  // namespace aigrid::control
