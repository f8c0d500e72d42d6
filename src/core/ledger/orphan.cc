#include "core/ledger/orphan.h"

#include <algorithm>

namespace aigrid::ledger {

grid::Record close_orphan(const std::vector<grid::AgentRecord>& attempts) {
  grid::Record out;
  out.outcome = grid::Outcome::IngressLost;
  out.code = "ingress_lost";
  std::vector<grid::AgentRecord> in_order = attempts;
  std::sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) { return a.attempt < b.attempt; });
  for (const auto& a : in_order) {
    out.request_id = a.request_id;
    out.tenant = a.tenant;
    out.project = a.project;
    out.key_id = a.key_id;
    out.model = a.model;
    out.endpoint = a.endpoint;
    out.site = a.site;
    out.node = a.source;
    out.usage = a.usage;
    out.received_unix_ms = out.received_unix_ms == 0 ? a.ended_unix_ms - a.wall_us / 1000 : out.received_unix_ms;
    out.total_us = (a.ended_unix_ms - out.received_unix_ms) * 1000;
    grid::AttemptRecord attempt;
    attempt.number = a.attempt;
    attempt.site = a.site;
    attempt.node = a.source;
    attempt.result = a.finish;
    attempt.usage = a.usage;
    attempt.resumes = a.resume_count > 0;
    out.attempts.push_back(std::move(attempt));
  }
  return out;
}

}  // namespace aigrid::ledger
