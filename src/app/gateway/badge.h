// Badge: how this gateway proves who it is on connections that begin now. Every renewal makes a new one; each worker
// has a copy of its own, swapped between turns of its loop.
#pragma once

#include <memory>
#include <string>

#include "base/spiffe.h"
#include "io/client/renewal.h"

namespace aigrid::gateway {

struct Badge {
  Spiffe name;
  std::shared_ptr<const io::TlsContext> tls;  // never null
  std::string certificate;                    // SHA-256 of the chain, 32 bytes
};

Badge badge_of(const io::Membership& membership);

}  // namespace aigrid::gateway
