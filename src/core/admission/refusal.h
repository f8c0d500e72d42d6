// What a client is told about its quotas: the headers of every answer, and the refusal. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/admission/lease_holder.h"

namespace aigrid::admission {

// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` of the scope that binds most; none where nothing is limited.
std::vector<std::pair<std::string, std::string>> headers(const std::vector<QuotaView>& scopes);

// `12ms`, `1.5s`, `6m0s`: as OpenAI writes durations.
std::string duration_text(std::int64_t ms);

struct Refused {
  std::string code;  // rate_limit_exceeded | insufficient_quota
  std::string message;
  std::int64_t retry_after_s = 1;
};
// `scope`: "key/…", as the client knows it. `never`: the request alone is larger than the limit.
Refused refusal(const std::string& scope, const grid::Limits& limits, const grid::LeaseAnswer& answer,
                const Need& need);
// The scope's home cannot be reached now: nobody knows what is left.
Refused unreadable(const std::string& scope, const LeaseTimes& times);

}  // namespace aigrid::admission
