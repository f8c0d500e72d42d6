// ApiError: a refusal as OpenAI's clients read it: {"error":{"message","type","param","code"}}, as a body or, once a
// stream has begun, as its last event. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace aigrid::openai {

struct ApiError {
  int status = 400;
  std::string code;     // stable: "model_not_found"; empty: null
  std::string message;  // lower case: what failed, the value, the rule, what to do
  std::string param;    // JSON path in the request; empty: null
};

// By status and code: "invalid_request_error", "authentication_error", "permission_error", "rate_limit_error",
// "insufficient_quota", "server_error".
std::string_view type_of(const ApiError& error);
// `extra`: members to stand beside message (already JSON, such as `"request_id":"…"`), or empty.
std::string error_body(const ApiError& error, std::string_view extra = "");
// One whole SSE event. The stream ends after it, without [DONE].
std::string error_event(const ApiError& error, std::string_view extra = "");
ApiError from_error(const Error& error);
// May an SDK try the same again? (408, 409, 429, 5xx); otherwise the answer says `x-should-retry: false`.
bool retriable(int status);

}  // namespace aigrid::openai
