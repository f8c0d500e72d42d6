// Queries of URLs, and the instants people write in them. Pure, any thread. Errors: InvalidArgument, with the value and
// the rule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace aigrid::api {

// `a=1&b%5B%5D=x&b%5B%5D=y` → {a,1},{b,x},{b,y}: in order, decoded, without the brackets that mark a list.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

// `1763769600`, `2025-11-22`, `2025-11-22T10:30:00Z`, `2025-11-22T10:30Z` → seconds since 1970, UTC. Years 1970 to
// 9999.
Result<std::int64_t> parse_instant(std::string_view text);

// The day of an instant: `2025-11-22`.
std::string day_text(std::int64_t unix_s);

}  // namespace aigrid::api
