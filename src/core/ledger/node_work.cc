#include "core/ledger/node_work.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/ledger/rating.h"
#include "core/ledger/terms.h"

namespace aigrid::ledger {

namespace {

// A gateway and a node may have one name.
std::string source_of(const grid::AgentRecord& work) { return "agent:" + work.source; }

grid::Record bare(const grid::AgentRecord& work, const grid::Usage& usage, Bucket why) {
  grid::Record out;
  out.source = source_of(work);
  out.epoch = work.epoch;
  out.sequence = work.sequence;
  out.tenant = work.tenant;
  out.project = work.project;
  out.key_id = work.key_id;
  out.model = work.model;
  out.endpoint = work.endpoint;
  out.site = work.site;
  out.node = work.source;
  out.outcome = grid::Outcome::Failed;
  out.code = to_string(why);
  out.received_unix_ms = work.ended_unix_ms - work.wall_us / 1000;
  out.total_us = work.wall_us;
  grid::AttemptRecord attempt;
  attempt.number = work.attempt;
  attempt.site = work.site;
  attempt.node = work.source;
  attempt.result = work.finish;
  attempt.usage = usage;
  out.attempts.push_back(std::move(attempt));
  return out;
}

std::uint64_t beyond(std::uint64_t more, std::uint64_t than) { return more > than ? more - than : 0; }

}  // namespace

bool of_no_request(const grid::AgentRecord& work) { return work.finish == kProbe || work.finish == kUnclaimed; }

grid::Record record_of(const grid::AgentRecord& work) {
  grid::Record out = bare(work, work.usage, work.finish == kProbe ? Bucket::Probe : Bucket::CancelTail);
  out.tenant = kPlatformTenant;
  out.request_id = out.source + "/" + std::to_string(work.epoch) + "/" + std::to_string(work.sequence);
  return out;
}

std::optional<grid::Record> shortfall(const grid::Record& terminal, const grid::AgentRecord& attempt) {
  grid::Usage known;
  const grid::Record sane = bounded(terminal);  // so that sums cannot wrap
  for (const auto& a : sane.attempts) {
    // One that was cancelled before it had begun to answer has no node's name.
    if (a.number != attempt.attempt || (!a.node.empty() && a.node != attempt.source)) continue;
    known.prompt_tokens += a.usage.prompt_tokens;
    known.completion_tokens += std::max(a.usage.completion_tokens, a.heard_tokens);
  }
  grid::Usage missing;
  missing.prompt_tokens = beyond(std::min(attempt.usage.prompt_tokens, kMostTokens), known.prompt_tokens);
  missing.completion_tokens = beyond(std::min(attempt.usage.completion_tokens, kMostTokens), known.completion_tokens);
  if (missing.prompt_tokens == 0 && missing.completion_tokens == 0) return std::nullopt;
  const bool left = attempt.finish == "cancelled" || attempt.finish == "abandoned";
  grid::Record out = bare(attempt, missing, left ? Bucket::CancelTail : Bucket::Retry);
  out.request_id = attempt.request_id + "/" + std::to_string(attempt.attempt);
  return out;
}

}  // namespace aigrid::ledger
