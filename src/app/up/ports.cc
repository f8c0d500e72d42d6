#include "app/up/ports.h"

#include <array>
#include <bit>

#include "base/crypto/encode.h"

namespace aigrid::up {

namespace {

io::Address at(int port) { return "127.0.0.1:" + std::to_string(port); }

}  // namespace

std::uint64_t draw(io::Env& env, std::uint64_t bound) {
  std::array<char, sizeof(std::uint64_t)> bytes{};
  env.entropy(bytes);
  return std::bit_cast<std::uint64_t>(bytes) % bound;
}

std::string random_hex(io::Env& env, std::size_t bytes) {
  std::string raw(bytes, '\0');
  env.entropy(raw);
  return crypto::hex(raw);
}

Ports::Ports(io::Env& env, Remembered& remembered, const UpLimits& limits)
    : env_(env), remembered_(remembered), limits_(limits) {
  // Somewhere else each time, so that several grids on one machine seldom meet.
  next_ =
      limits.first_port + static_cast<int>(draw(env, static_cast<std::uint64_t>(limits.last_port - limits.first_port)));
}

bool Ports::take(int port) {
  if (given_.contains(port) || !env_.listen(at(port), {}).ok()) return false;
  given_.insert(port);
  return true;
}

Result<io::Address> Ports::pick(const std::string& what) {
  const auto before = remembered_.ports.find(what);
  if (before != remembered_.ports.end() && take(before->second)) return at(before->second);
  for (int tried = limits_.first_port; tried < limits_.last_port; ++tried) {
    const int port = next_++;
    if (next_ >= limits_.last_port) next_ = limits_.first_port;
    if (!take(port)) continue;
    remembered_.ports[what] = port;
    return at(port);
  }
  return Error{Code::ResourceExhausted, Origin::Self, Retry::Same,
               "no free port from " + std::to_string(limits_.first_port) + " to " + std::to_string(limits_.last_port) +
                   " for " + what};
}

}  // namespace aigrid::up
