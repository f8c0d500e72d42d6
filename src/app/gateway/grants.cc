#include "app/gateway/grants.h"

#include "base/spiffe.h"

namespace aigrid::gateway {
namespace {

inner::Refuse refusal(inner::Refuse::Verdict verdict, std::string code, std::string message) {
  inner::Refuse out;
  out.verdict = verdict;
  out.status = 403;
  out.code = std::move(code);
  out.message = std::move(message);
  return out;
}

Result<void> check_grant(Services& services, const inner::Ask& ask, const io::H2Stream& stream) {
  AIGRID_TRY(const auto terms, inner::open_grant(ask, stream.binding().peer.binding_key));
  access::GrantBook::Question question;
  question.grant = ask.grant;
  question.expires_ms = terms.expires_ms;
  question.bundle_version = terms.bundle_version;  // another site's gateway may be behind ours: no least version
  question.age = services.env.now() - stream.binding().since;
  return services.grants.take(question, services.env.now());
}

}  // namespace

std::string grant_for(io::Env& env, const Board& board, const inner::Ask& ask, const io::H2Stream& stream) {
  inner::GrantTerms terms;
  terms.expires_ms = static_cast<std::uint64_t>(to_ms(env.now() - stream.binding().since + access::kGrantLife));
  terms.bundle_version = board.loaded() ? board.tables().version : 0;
  return inner::issue_grant(ask, stream.binding().peer.binding_key, terms);
}

std::optional<inner::Refuse> refuse_hosting(Services& services, const inner::Ask& ask, const io::H2Stream& stream) {
  using Verdict = inner::Refuse::Verdict;
  if (!services.board.loaded()) return refusal(Verdict::Elsewhere, "no_bundle", "this gateway has no bundle yet");
  if (auto granted = check_grant(services, ask, stream); !granted.ok()) {
    services.env.log().warn(
        "grant_denied",
        {{"request_id", ask.request_id}, {"peer", stream.binding().peer.identity}, {"why", granted.error().message}});
    return refusal(Verdict::Elsewhere, "grant_denied", granted.error().message);
  }
  const std::string& here = services.board.site();
  if (ask.site != here) {
    return refusal(Verdict::Elsewhere, "wrong_site", "asked for site \"" + ask.site + "\", this is " + here);
  }
  if (services.options.skip_residency) return std::nullopt;
  const auto& residency = services.board.tables().residency;
  policy::Subject subject{ask.tenant, ask.project, ask.model, {}, &ask.zones, ask.data_level, &ask.regimes};
  subject.second = unix_seconds(services.env.wall());
  auto denial = residency.denial(subject, here);
  if (!denial) {
    const auto peer = Spiffe::parse(stream.binding().peer.identity);
    if (peer.ok()) denial = residency.denial(subject, peer->site, policy::kIngressActions);
  }
  if (!denial) return std::nullopt;
  services.env.log().warn("residency_denied", {{"request_id", ask.request_id},
                                               {"tenant", ask.tenant},
                                               {"peer", stream.binding().peer.identity},
                                               {"why", policy::to_text(*denial)}});
  const bool older = ask.bundle_version > services.board.tables().version;
  return refusal(older ? Verdict::Elsewhere : Verdict::Never, "data_residency_mismatch",
                 "site \"" + here + "\" may not host this request: " + policy::to_text(*denial));
}

}  // namespace aigrid::gateway
