#include "app/gateway/grants.h"

#include "base/spiffe.h"
#include "io/http/tunnel.h"

namespace aigrid::gateway {
namespace {

constexpr const char* kResidencyMismatch = "data_residency_mismatch";

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
  if (services.options.skip_residency) return std::nullopt;
  const auto peer = Spiffe::parse(stream.binding().peer.identity);
  const Way way{peer.ok() ? std::string_view(peer->site) : std::string_view(),
                io::tunnelled_through(stream.binding().peer.address)};
  auto refused =
      judge_hosting(services.board.tables(), services.board.site(), ask, way, unix_seconds(services.env.wall()));
  if (refused && refused->code == kResidencyMismatch) {
    services.env.log().warn("residency_denied", {{"request_id", ask.request_id},
                                                 {"tenant", ask.tenant},
                                                 {"peer", stream.binding().peer.identity},
                                                 {"why", refused->message}});
  }
  return refused;
}

std::optional<inner::Refuse> judge_hosting(const routing::Tables& tables, const std::string& here,
                                           const inner::Ask& ask, const Way& way, std::int64_t second) {
  using Verdict = inner::Refuse::Verdict;
  if (ask.site != here) {
    return refusal(Verdict::Elsewhere, "wrong_site", "asked for site \"" + ask.site + "\", this is " + here);
  }
  const auto deployment = tables.find_deployment(ask.deployment);
  if (!deployment) {
    return refusal(Verdict::Elsewhere, "no_deployment",
                   "deployment \"" + ask.deployment + "\" is not in the bundle held at " + here);
  }
  // What runs is the deployment's own model, whatever the ask calls it.
  const std::string& model = tables.models[tables.deployments[*deployment].model].spec.name;
  if (ask.model != model) {
    return refusal(Verdict::Elsewhere, "wrong_model",
                   "deployment \"" + ask.deployment + "\" serves model \"" + model + "\", not \"" + ask.model + "\"");
  }
  policy::Subject subject{ask.tenant, ask.project, model, {}, &ask.zones, ask.data_level, &ask.regimes};
  subject.second = second;
  auto denial = tables.residency.denial(subject, here);
  if (!denial) denial = tables.residency.denial(subject, way.ingress, policy::kIngressActions);
  if (!denial && !way.via.empty()) denial = tables.residency.denial(subject, way.via, policy::kRelayActions);
  if (!denial) return std::nullopt;
  const bool older = ask.bundle_version > tables.version;
  return refusal(older ? Verdict::Elsewhere : Verdict::Never, kResidencyMismatch,
                 "site \"" + here + "\" may not host this request: " + policy::to_text(*denial));
}

}  // namespace aigrid::gateway
