// A pass: control's word that its bearer may read whole audit logs until a time, for gateways, which know no admins. A
// signed note (core/audit/note.h) of the key that signs bundles, in one line so that it fits in a header. Pure, any
// thread. Errors: PermissionDenied (not signed by this key, for another grid, over), InvalidArgument (no pass).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/audit/note.h"

namespace aigrid::audit {

inline constexpr std::string_view kPassBegin = "agp1_";

struct Pass {
  std::string grid;
  std::string admin;  // whom it was given
  std::int64_t until_unix_s = 0;
};

std::string issue_pass(const Pass& pass, const crypto::SigningKey& bundles_key);
Result<Pass> open_pass(std::string_view text, std::string_view grid, std::string_view bundles_public_key,
                       std::int64_t now_unix_s);
// The name under which the key that signs bundles signs notes too.
std::string bundles_key_name(std::string_view grid);

}  // namespace aigrid::audit
