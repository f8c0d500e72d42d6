// What the reports of usage share: their query and the JSON of sums.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "format/api/query.h"
#include "format/json/json.h"
#include "io/http/server.h"
#include "io/store/records.h"

namespace aigrid::control {

// Of the request's target, undecoded.
std::string query_of(io::Exchange& exchange);
// `a,b` → a, b; empty entries are left out.
std::vector<std::string> split_list(std::string_view text);
json::Json amounts_json(const io::UsageAmounts& amounts);

}  // namespace aigrid::control
