// The verdict on a join: may this joiner have an identity by this token? Pure; control stores what the verdict says in
// the same transaction. A token is single-use: the same token with the same key again is the same answer (the first was
// lost), with another key it is a theft or a mistake, so the token is burnt and its first holder has to be looked at.
// A name that somebody has already needs a token that names it: one that leaves the name open takes over nobody's.
//
//   fresh ─(first key)─▶ used by that key ─(another key)─▶ burnt
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/spiffe.h"
#include "base/time.h"

namespace aigrid::access {

inline constexpr Duration kJoinTokenLifetime = std::chrono::hours(1);
inline constexpr Duration kLongestJoinTokenLifetime = std::chrono::hours(24);

// As control keeps it. Times are control's wall clock.
struct StoredToken {
  Role role = Role::Agent;
  std::string site;
  std::string name;  // empty: any name
  std::int64_t expires_unix_ms = 0;
  std::string used_key;  // hash of the public key that joined with it; empty: fresh
  std::string used_name;
  bool burnt = false;
};

// What the configuration and earlier joins say of the name asked for.
struct NameStanding {
  bool exists = false;    // the Gateway or Node of that name
  std::string site;       // where it stands
  bool joined = false;    // somebody was granted the name before
  bool complete = false;  // and that join went through to its end
};

struct JoinClaim {
  Role role = Role::Agent;
  std::string site;  // empty: as the token says
  std::string name;
  std::string key_hash;  // of the CSR's public key
  bool mac_right = false;
  bool csr_names_claim = false;  // the CSR asks for exactly this identity
  NameStanding standing;
};

enum class JoinVerdict : std::uint8_t {
  Accept,       // mark the token used by this key, then issue
  AcceptAgain,  // issue for the key that used it before
  Unknown,
  WrongMac,
  Expired,
  WrongRole,
  WrongSite,
  WrongName,
  WrongRequest,  // the CSR asks for another identity
  Replayed,      // used by another key: burn it
  Burnt,
  NameTaken,   // the token leaves the name open, and the name is somebody's
  OtherPlace,  // the name stands at another site than the token's
  NoSuchNode,  // an agent of a Node that the configuration does not have
  Deleted,     // it joined with this token, and was deleted since
};

// `token`: nullptr when control knows no such kid.
JoinVerdict judge_join(const StoredToken* token, const JoinClaim& claim, std::int64_t now_unix_ms);

inline bool accepted(JoinVerdict v) { return v == JoinVerdict::Accept || v == JoinVerdict::AcceptAgain; }

// For the joiner's admin: what was wrong and what to do.
std::string explain(JoinVerdict verdict, const StoredToken* token, const JoinClaim& claim);
std::string_view code_of(JoinVerdict verdict);  // "join_token_expired"

}  // namespace aigrid::access
