// Ports: free loopback addresses, the same as in the run before where they are still free. One worker.
#pragma once

#include <set>
#include <string>

#include "app/up/remembered.h"
#include "app/up/up.h"

namespace aigrid::up {

class Ports {
 public:
  Ports(io::Env& env, Remembered& remembered, const UpLimits& limits);
  // ResourceExhausted when no port of the range is free.
  Result<io::Address> pick(const std::string& what);

 private:
  bool take(int port);
  io::Env& env_;
  Remembered& remembered_;
  const UpLimits& limits_;
  int next_;
  std::set<int> given_;
};

// A whole number below `bound`, from the Env.
std::uint64_t draw(io::Env& env, std::uint64_t bound);
// Hex digits of `bytes` random bytes.
std::string random_hex(io::Env& env, std::size_t bytes);

}  // namespace aigrid::up
