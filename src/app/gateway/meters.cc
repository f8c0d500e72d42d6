#include "app/gateway/meters.h"

#include <fmt/format.h>

namespace aigrid::gateway {

void Meters::first_byte(Duration after) {
  const double seconds = static_cast<double>(after.count()) / 1e9;
  std::size_t i = 0;
  while (i < std::size(kTtftBounds) && seconds > kTtftBounds[i]) ++i;
  ++ttft_buckets[i];
  ttft_sum_s += seconds;
}

namespace {

void gauge(std::string& out, std::string_view name, std::string_view help, double value) {
  out += fmt::format("# HELP {} {}\n# TYPE {} gauge\n{} {}\n", name, help, name, name, value);
}

void counter(std::string& out, std::string_view name, std::string_view help, std::uint64_t value) {
  out += fmt::format("# HELP {} {}\n# TYPE {} counter\n{}_total {}\n", name, help, name, name, value);
}

void counters(std::string& out, std::string_view name, std::string_view help, std::string_view label,
              const std::map<std::string, std::uint64_t>& values) {
  out += fmt::format("# HELP {} {}\n# TYPE {} counter\n", name, help, name);
  for (const auto& [key, value] : values) out += fmt::format("{}_total{{{}=\"{}\"}} {}\n", name, label, key, value);
}

}  // namespace

std::string Meters::text(const Board& board, std::uint64_t spool_backlog, std::size_t queued) const {
  std::string out;
  counters(out, "aigrid_requests", "requests ended, by outcome", "outcome", requests_by_outcome);
  counters(out, "aigrid_requests_answered", "requests answered, by site", "site", requests_by_site);
  gauge(out, "aigrid_requests_open", "requests under way", static_cast<double>(requests_open));
  counter(out, "aigrid_retries", "attempts after the first", retries);
  counter(out, "aigrid_hedges", "urgent requests asked at a second place for the sooner first token", hedges);
  counter(out, "aigrid_streams_resumed", "streams that went on at another node", streams_resumed);
  counter(out, "aigrid_prompt_tokens", "prompt tokens, as engines counted them", prompt_tokens);
  counter(out, "aigrid_completion_tokens", "completion tokens, as engines counted them", completion_tokens);
  counter(out, "aigrid_bundles_applied", "bundles applied", bundles_applied);
  counter(out, "aigrid_bundles_refused", "bundles refused, the last good one kept", bundles_refused);
  gauge(out, "aigrid_bundle_version", "version of the bundle in force",
        board.held() ? static_cast<double>(board.held()->parsed.version) : 0);
  gauge(out, "aigrid_spool_backlog", "records not yet acknowledged by control", static_cast<double>(spool_backlog));
  gauge(out, "aigrid_records_homeless", "records kept in memory because the disk is full",
        static_cast<double>(records_homeless));
  counter(out, "aigrid_record_batches_not_taken",
          "batches of records that control did not take; they stay in the spool", records_not_taken);
  gauge(out, "aigrid_queue_waiting", "requests waiting for a node at this site", static_cast<double>(queued));
  out +=
      "# HELP aigrid_time_to_first_byte_seconds from the request's end to its answer's first byte\n"
      "# TYPE aigrid_time_to_first_byte_seconds histogram\n";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < std::size(kTtftBounds); ++i) {
    below += ttft_buckets[i];
    out += fmt::format("aigrid_time_to_first_byte_seconds_bucket{{le=\"{}\"}} {}\n", kTtftBounds[i], below);
  }
  below += ttft_buckets[std::size(kTtftBounds)];
  out += fmt::format(
      "aigrid_time_to_first_byte_seconds_bucket{{le=\"+Inf\"}} {}\naigrid_time_to_first_byte_seconds_sum {}\n"
      "aigrid_time_to_first_byte_seconds_count {}\n# EOF\n",
      below, ttft_sum_s, below);
  return out;
}

}  // namespace aigrid::gateway
