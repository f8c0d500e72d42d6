// A 64-bit seed from the Env's entropy, for the pure generators of core.
#pragma once

#include <cstdint>

#include "io/env/env.h"

namespace aigrid::io {

inline std::uint64_t random_seed(Env& env) {
  char bytes[8];
  env.entropy(bytes);
  std::uint64_t seed = 0;
  for (char b : bytes) seed = (seed << 8U) | static_cast<unsigned char>(b);
  return seed;
}

}  // namespace aigrid::io
