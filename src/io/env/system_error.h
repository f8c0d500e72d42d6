// Turns an errno into an Error. Plain function, any thread.
#pragma once

#include <string>

#include "base/result.h"

namespace aigrid::io {

// "<what>: <system's words>", with the Code the caller can react to.
Error system_error(int number, std::string what);

}  // namespace aigrid::io
