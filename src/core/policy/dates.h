// Dates of law: `2027-03-01` holds to the end of that day (UTC), `2027-03-01T12:00:00Z` to that second. Pure, any
// thread. Errors: InvalidArgument, naming the form.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace aigrid::policy {

inline constexpr std::int64_t kNoEnd = INT64_MAX;

// The first second (unix) in which it no longer holds; kNoEnd for an empty text.
Result<std::int64_t> end_of(std::string_view date);

}  // namespace aigrid::policy
