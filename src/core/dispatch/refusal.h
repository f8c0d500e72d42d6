// Refusal: what a client is told when routing leaves no place: status, code and a message that names the rule, the
// value and the next step. The nearest possible answer is found by running the choice again, never composed. Pure, any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "core/routing/choose.h"

namespace aigrid::dispatch {

struct Refusal {
  int status = 503;
  std::string code;
  std::string message;
  std::string param;         // the request's field at fault, if one is
  bool retry_after = false;  // it may pass: tell the client when to come back
  bool never_retry = false;  // x-should-retry: false
};

// For a decision with ok() false. `input` is what was asked.
Refusal refusal(const routing::Snapshot& snapshot, const routing::RouteInput& input, const routing::Decision& decision,
                Time now);

// No such model, or not for this tenant: both read the same. With the nearest names that the tenant may see.
Refusal model_not_found(const routing::Tables& tables, routing::TenantIndex tenant, std::string_view name);

}  // namespace aigrid::dispatch
