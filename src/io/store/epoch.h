// Epoch: a number raised at every start of a process and durable before it is used, so that (epoch, sequence) never
// comes twice from one source. Blocking; call it at start-up. Errors: DataLoss (the file is not a number), those of
// Files.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "io/env/env.h"

namespace aigrid::io {

// The file `path` + 1; where there is none, the seconds of `wall`, so that a state directory made anew goes on above
// the lost one. Its folder must exist.
Result<std::uint64_t> raise_epoch(Files& files, const std::string& path, WallTime wall);

}  // namespace aigrid::io
