// A model's file held against the hash that the bundle names, before any engine reads it. Hashing runs where it may
// block. Errors: NotFound (no such file), DataLoss (corrupt: both hashes are named), and what Files gives.
#pragma once

#include <string>

#include "base/result.h"
#include "io/env/env.h"

namespace aigrid::agent {

// `sha256` hex; empty: only that the file is there.
io::Task<Result<void>> check_model_file(io::Env& env, std::string path, std::string sha256);

}  // namespace aigrid::agent
