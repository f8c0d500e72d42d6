// Which processes of a little grid run, by the file of their marks: the supervisor's first.
#pragma once

#include <string>
#include <vector>

#include "io/env/env.h"
#include "io/env/own_process.h"

namespace aigrid::up {

// Those of the file that still run; a number that belongs to another process by now is left out.
std::vector<io::ProcessMark> running_marks(io::Files& files, const std::string& state);

}  // namespace aigrid::up
