#include "app/agent/refusals.h"

#include <utility>

namespace aigrid::agent {

inner::Refuse elsewhere(std::string code, std::string message) {
  inner::Refuse out;
  out.verdict = inner::Refuse::Verdict::Elsewhere;
  out.code = std::move(code);
  out.message = std::move(message);
  return out;
}

inner::Refuse refusal_of(const Error& error) {
  inner::Refuse out = elsewhere("node_error", error.message);
  if (error.retry == Retry::Elsewhere) return out;
  out.verdict = inner::Refuse::Verdict::Never;
  out.status = 400;
  out.code = "invalid_request";
  return out;
}

std::optional<inner::Refuse> check_residency(const View& view, const std::string& site, const inner::Ask& ask,
                                             std::uint64_t version, std::int64_t second) {
  policy::Subject subject{ask.tenant, ask.project, ask.model, {}, &ask.zones, ask.data_level, &ask.regimes};
  subject.second = second;
  if (view.residency.permits(subject, site)) return std::nullopt;
  inner::Refuse out;
  // A node that is behind its asker still runs nothing that its own bundle forbids, but its no is not the last word.
  out.verdict = ask.bundle_version > version ? inner::Refuse::Verdict::Elsewhere : inner::Refuse::Verdict::Never;
  out.status = 403;
  out.code = "data_residency_mismatch";
  auto permit = view.residency.permitted(subject);
  if (!permit.ok()) {
    out.message = permit.error().message;
    return out;
  }
  out.message = "site \"" + site + "\" is outside of where this request may run";
  if (const auto denial = view.residency.denial(subject, site)) out.message += ": " + policy::to_text(*denial);
  return out;
}

}  // namespace aigrid::agent
