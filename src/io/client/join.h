// Join: turns a single-use token into an Identity, through control or through any gateway (which relays and learns
// nothing). Sent again with the same key until an answer comes or the time is up, so a lost answer costs nothing.
// One worker. Errors: InvalidArgument (the token's text), PermissionDenied (token expired, used, of another site, wrong
// pin: ask for a new token), NotFound (token unknown), Unavailable, DeadlineExceeded.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "io/client/identity.h"
#include "io/env/env.h"

namespace aigrid::io {

struct JoinOptions {
  Address through;  // inner address of control or of a gateway
  std::string token;
  Role role = Role::Agent;
  std::string name;
  std::string public_address;  // gateways: what clients and peers dial
  std::string inner_address;
  std::uint32_t workers = 1;
  Duration within = 60s;  // tries again until then
};

Task<Result<Identity>> join(Env& env, JoinOptions options);

// The identity in `state`, or a join and its answer saved there. The start of every gateway and agent.
Task<Result<Identity>> load_or_join(Env& env, std::string state, JoinOptions options);

}  // namespace aigrid::io
