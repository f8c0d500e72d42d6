// How a stream can be continued: as frames say it, and as the state machines know it.
#pragma once

#include "core/dispatch/delivered.h"
#include "format/inner/frames.h"

namespace aigrid::gateway {

constexpr dispatch::Resume mode_of(inner::Resume resume) { return static_cast<dispatch::Resume>(resume); }

}  // namespace aigrid::gateway
