#include "core/access/join.h"

namespace aigrid::access {

namespace {

// Does the configuration have a place for the joiner at the token's site?
JoinVerdict judge_place(const StoredToken& token, const NameStanding& standing) {
  if (standing.exists && standing.site != token.site) return JoinVerdict::OtherPlace;
  if (!standing.exists && token.role == Role::Agent) return JoinVerdict::NoSuchNode;
  return JoinVerdict::Accept;
}

JoinVerdict judge_again(const StoredToken& token, const JoinClaim& claim) {
  if (token.used_key != claim.key_hash || token.used_name != claim.name) return JoinVerdict::Replayed;
  // The configuration decides for agents; a Gateway is made by its join, so only a finished one can have been deleted.
  if (token.role == Role::Gateway && claim.standing.complete && !claim.standing.exists) return JoinVerdict::Deleted;
  const JoinVerdict place = judge_place(token, claim.standing);
  // A lost answer is given again also after the end of the token: the identity was granted in time.
  return place == JoinVerdict::Accept ? JoinVerdict::AcceptAgain : place;
}

}  // namespace

JoinVerdict judge_join(const StoredToken* token, const JoinClaim& claim, std::int64_t now_unix_ms) {
  if (token == nullptr) return JoinVerdict::Unknown;
  // Before anything else: without the secret nothing is learnt about the token and nothing can be done to it.
  if (!claim.mac_right) return JoinVerdict::WrongMac;
  if (token->burnt) return JoinVerdict::Burnt;
  if (token->role != claim.role) return JoinVerdict::WrongRole;
  if (!claim.site.empty() && token->site != claim.site) return JoinVerdict::WrongSite;
  if (claim.name.empty() || (!token->name.empty() && token->name != claim.name)) return JoinVerdict::WrongName;
  if (!claim.csr_names_claim) return JoinVerdict::WrongRequest;
  if (!token->used_key.empty()) return judge_again(*token, claim);
  if (now_unix_ms >= token->expires_unix_ms) return JoinVerdict::Expired;
  const auto& standing = claim.standing;
  if (const auto place = judge_place(*token, standing); place != JoinVerdict::Accept) return place;
  // A Node is configured before it joins; a Gateway that is configured is somebody's.
  const bool taken = standing.joined || (token->role == Role::Gateway && standing.exists);
  return token->name.empty() && taken ? JoinVerdict::NameTaken : JoinVerdict::Accept;
}

std::string_view code_of(JoinVerdict verdict) {
  switch (verdict) {
    case JoinVerdict::Accept:
    case JoinVerdict::AcceptAgain: return "ok";
    case JoinVerdict::Unknown: return "join_token_unknown";
    case JoinVerdict::WrongMac: return "join_token_wrong_secret";
    case JoinVerdict::Expired: return "join_token_expired";
    case JoinVerdict::WrongRole: return "join_token_other_role";
    case JoinVerdict::WrongSite: return "join_token_other_site";
    case JoinVerdict::WrongName: return "join_token_other_name";
    case JoinVerdict::WrongRequest: return "join_request_other_identity";
    case JoinVerdict::Replayed: return "join_token_replayed";
    case JoinVerdict::Burnt: return "join_token_burnt";
    case JoinVerdict::NameTaken: return "join_name_taken";
    case JoinVerdict::OtherPlace: return "join_name_at_other_site";
    case JoinVerdict::NoSuchNode: return "join_no_such_node";
    case JoinVerdict::Deleted: return "join_member_deleted";
  }
  return "join_denied";
}

namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

std::string explain(JoinVerdict verdict, const StoredToken* token, const JoinClaim& claim) {
  const std::string next = ": make a new token with `aigrid token create`";
  switch (verdict) {
    case JoinVerdict::Accept:
    case JoinVerdict::AcceptAgain: return "accepted";
    case JoinVerdict::Unknown: return "this grid has given out no such join token" + next;
    case JoinVerdict::WrongMac: return "the join token's secret does not match its id" + next;
    case JoinVerdict::Expired: return "the join token has expired" + next;
    case JoinVerdict::WrongRole:
      return "the join token is for role " + std::string(to_string(token->role)) + ", not " +
             std::string(to_string(claim.role)) + next;
    case JoinVerdict::WrongSite:
      return "the join token is for site " + quoted(token->site) + ", not " + quoted(claim.site) + next;
    case JoinVerdict::WrongName:
      return "the join token is for name " + quoted(token->name) + ", not " + quoted(claim.name) + next;
    case JoinVerdict::WrongRequest:
      return "the signing request asks for another identity than the join: both must name role, site and name";
    case JoinVerdict::Replayed:
      return "the join token was used before with another key; it is burnt now, and " + quoted(token->used_name) +
             " that joined with it should be looked at" + next;
    case JoinVerdict::Burnt: return "the join token is burnt because two keys used it" + next;
    case JoinVerdict::NameTaken:
      return "the name " + quoted(claim.name) +
             " is taken, and the join token leaves the name open: use another name, " +
             "or make a token for exactly this one with `aigrid token create … --name`";
    case JoinVerdict::OtherPlace:
      return quoted(claim.name) + " stands at site " + quoted(claim.standing.site) +
             ", and the join token is for site " + quoted(token->site) + next + " for the right site";
    case JoinVerdict::NoSuchNode:
      return "there is no Node " + quoted(claim.name) +
             " in the configuration: apply it with `aigrid apply`, then join";
    case JoinVerdict::Deleted:
      return "gateway " + quoted(claim.name) + " joined with this token and was deleted from the grid since" + next;
  }
  return "denied";
}

}  // namespace aigrid::access
