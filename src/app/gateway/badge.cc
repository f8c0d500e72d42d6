#include "app/gateway/badge.h"

#include "base/crypto/hash.h"

namespace aigrid::gateway {

Badge badge_of(const io::Membership& membership) {
  return {membership.name(), membership.tls(), crypto::bytes(crypto::sha256(membership.identity().chain))};
}

}  // namespace aigrid::gateway
