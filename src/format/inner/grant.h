// Grant: leave to run one attempt, bound to the connection it travels on: an HMAC with a key that only the two ends of
// that TLS connection have (RFC 9266 exporter), over everything the receiver decides by. Wire: [expires ms u64 | bundle
// version u64 | HMAC-SHA-256], big-endian; `expires` counts from when the connection was made, so no two clocks are
// compared. Pure, any thread. Errors: PermissionDenied, saying which rule; the text has no secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "format/inner/frames.h"

namespace aigrid::inner {

struct GrantTerms {
  std::uint64_t expires_ms = 0;
  std::uint64_t bundle_version = 0;  // of who grants
};

// `key`: Peer::binding_key of the connection. Covers request, attempt, tenant, project, key id, model, deployment,
// zones, class of data, site and node of `ask`; not `ask.grant` itself.
std::string issue_grant(const Ask& ask, std::string_view key, const GrantTerms& terms);
// The terms, if `ask.grant` was issued for this very ask with this key.
Result<GrantTerms> open_grant(const Ask& ask, std::string_view key);

}  // namespace aigrid::inner
