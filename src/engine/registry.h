// The one place that knows all drivers. Pure; the reference lives for ever, any thread.
#pragma once

#include "engine/driver.h"

namespace aigrid::engine {

const Driver& driver_of(grid::Driver driver);

}  // namespace aigrid::engine
