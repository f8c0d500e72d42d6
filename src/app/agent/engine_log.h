// The log of an engine: its own standard output, appended to a file. Bounded: beyond `most` its last part becomes
// FILE.1, in place of the one before, and the file begins anew while the engine goes on writing to it. What cannot be
// read or written is left as it is: a log is not worth an error.
#pragma once

#include <cstddef>
#include <string>

#include "io/env/env.h"

namespace aigrid::agent {

void bound_log(io::Files& files, const std::string& path, std::size_t most);

}  // namespace aigrid::agent
