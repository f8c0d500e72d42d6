// GrantBook: which grants count: not expired, not seen before, from a bundle no older than the one held. Remembers a
// grant until it would have expired anyway, so its memory is bounded by rate × life. One owner. Numbers here are the
// only source of a grant's life.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace aigrid::access {

// How long an attempt may be on its way from who grants to who is asked.
inline constexpr Duration kGrantLife = 30s;
inline constexpr std::size_t kMostGrants = 1U << 20U;  // remembered at a time; more are denied

class GrantBook {
 public:
  struct Question {
    std::string_view grant;            // its bytes, authentic
    std::uint64_t expires_ms = 0;      // since the connection was made
    std::uint64_t bundle_version = 0;  // of who granted
    std::uint64_t least_version = 0;   // of who is asked
    Duration age{};                    // of the connection, here
  };
  // PermissionDenied, naming the rule: expired, too long, replayed, stale.
  Result<void> take(const Question& question, Time now);
  std::size_t remembered() const { return seen_.size(); }

 private:
  void forget(Time now);
  std::map<std::string, Time, std::less<>> seen_;
  std::multimap<Time, std::string> ends_;
};

}  // namespace aigrid::access
