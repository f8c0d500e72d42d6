// Meters: what one worker counts for /metrics, and sums of several. Plain counters.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"

namespace aigrid::gateway {

struct Meters {
  std::uint64_t requests_open = 0;
  std::uint64_t attempts_hosted = 0;                         // under way here for other sites
  std::map<std::string, std::uint64_t> requests_by_outcome;  // and code, for those that failed
  std::map<std::string, std::uint64_t> requests_by_site;     // that answered
  std::uint64_t hosting_denials = 0;                         // attempts that other sites asked for and this one refused
  std::uint64_t retries = 0;
  std::uint64_t hedges = 0;
  std::uint64_t streams_resumed = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t bundles_applied = 0;
  std::uint64_t bundles_refused = 0;
  std::uint64_t records_written = 0;
  std::uint64_t records_backlog = 0;  // not acknowledged by control
  std::uint64_t records_homeless = 0;
  std::uint64_t records_not_taken = 0;  // batches
  std::uint64_t audit_leaves = 0;
  std::uint64_t audit_behind = 0;  // leaves that are not in the signed log yet
  std::uint64_t audit_lost = 0;
  std::uint64_t queue_waiting = 0;
  // Time to the first byte, cumulative buckets in seconds.
  static constexpr double kTtftBounds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
  std::uint64_t ttft_buckets[std::size(kTtftBounds) + 1] = {};
  double ttft_sum_s = 0;

  void first_byte(Duration after);
  Meters& operator+=(const Meters& other);
};

// Of the process as a whole.
struct ProcessMeters {
  Meters all;  // of its workers
  std::uint64_t bundle_version = 0;
  std::uint64_t workers = 1;
  std::uint64_t audit_not_witnessed = 0;
  // OpenMetrics text.
  std::string text() const;
};

}  // namespace aigrid::gateway
