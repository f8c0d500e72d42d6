// GET /api/v1/status: the whole grid at a glance, from memory.
#include "app/control/management_api.h"

namespace aigrid::control {

io::Task<void> ManagementApi::status(Request& request) {
  const auto current = services_.current();
  co_await answer(request, 200,
                  services_.board.summary(services_.catalog, current.bundle_version, current, services_.env.now()));
}

}  // namespace aigrid::control
