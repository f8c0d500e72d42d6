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

Meters& Meters::operator+=(const Meters& other) {
  for (auto field : {&Meters::requests_open, &Meters::attempts_hosted, &Meters::hosting_denials, &Meters::retries,
                     &Meters::hedges, &Meters::streams_resumed, &Meters::prompt_tokens, &Meters::completion_tokens,
                     &Meters::bundles_applied, &Meters::bundles_refused, &Meters::records_written,
                     &Meters::records_backlog, &Meters::records_homeless, &Meters::records_not_taken,
                     &Meters::audit_leaves, &Meters::audit_behind, &Meters::audit_lost, &Meters::queue_waiting}) {
    this->*field += other.*field;
  }
  for (const auto& [outcome, n] : other.requests_by_outcome) requests_by_outcome[outcome] += n;
  for (const auto& [site, n] : other.requests_by_site) requests_by_site[site] += n;
  for (std::size_t i = 0; i < std::size(ttft_buckets); ++i) ttft_buckets[i] += other.ttft_buckets[i];
  ttft_sum_s += other.ttft_sum_s;
  return *this;
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

std::string ProcessMeters::text() const {
  std::string out;
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  gauge(out, "aigrid_workers", "event loops of this process", number(workers));
  counters(out, "aigrid_requests", "requests ended, by outcome", "outcome", all.requests_by_outcome);
  counters(out, "aigrid_requests_answered", "requests answered, by site", "site", all.requests_by_site);
  gauge(out, "aigrid_requests_open", "requests under way", number(all.requests_open));
  counter(out, "aigrid_retries", "attempts after the first", all.retries);
  counter(out, "aigrid_hedges", "urgent requests asked at a second place for the sooner first token", all.hedges);
  counter(out, "aigrid_streams_resumed", "streams that went on at another node", all.streams_resumed);
  counter(out, "aigrid_prompt_tokens", "prompt tokens, as engines counted them", all.prompt_tokens);
  counter(out, "aigrid_completion_tokens", "completion tokens, as engines counted them", all.completion_tokens);
  counter(out, "aigrid_bundles_applied", "bundles applied", all.bundles_applied);
  counter(out, "aigrid_bundles_refused", "bundles refused, the last good one kept", all.bundles_refused);
  gauge(out, "aigrid_bundle_version", "version of the bundle in force", number(bundle_version));
  gauge(out, "aigrid_spool_backlog", "records not yet acknowledged by control", number(all.records_backlog));
  gauge(out, "aigrid_records_homeless", "records kept in memory because the disk is full",
        number(all.records_homeless));
  counter(out, "aigrid_record_batches_not_taken",
          "batches of records that control did not take; they stay in the spool", all.records_not_taken);
  counter(out, "aigrid_audit_leaves", "leaves written for the audit log", all.audit_leaves);
  gauge(out, "aigrid_audit_backlog", "leaves that are not in the signed log yet", number(all.audit_behind));
  counter(out, "aigrid_audit_leaves_lost", "leaves that could not be written at all", all.audit_lost);
  counter(out, "aigrid_audit_not_witnessed", "checkpoints that control did not countersign", audit_not_witnessed);
  gauge(out, "aigrid_queue_waiting", "requests waiting for a node at this site", number(all.queue_waiting));
  out +=
      "# HELP aigrid_time_to_first_byte_seconds from the request's end to its answer's first byte\n"
      "# TYPE aigrid_time_to_first_byte_seconds histogram\n";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < std::size(Meters::kTtftBounds); ++i) {
    below += all.ttft_buckets[i];
    out += fmt::format("aigrid_time_to_first_byte_seconds_bucket{{le=\"{}\"}} {}\n", Meters::kTtftBounds[i], below);
  }
  below += all.ttft_buckets[std::size(Meters::kTtftBounds)];
  out += fmt::format(
      "aigrid_time_to_first_byte_seconds_bucket{{le=\"+Inf\"}} {}\naigrid_time_to_first_byte_seconds_sum {}\n"
      "aigrid_time_to_first_byte_seconds_count {}\n# EOF\n",
      below, all.ttft_sum_s, below);
  return out;
}

}  // namespace aigrid::gateway
