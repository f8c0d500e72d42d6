#include "format/openai/error_body.h"

#include "format/json/json.h"

namespace aigrid::openai {

std::string_view type_of(const ApiError& error) {
  if (error.code == "insufficient_quota") return "insufficient_quota";
  switch (error.status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 429: return "rate_limit_error";
    default: return error.status >= 500 ? "server_error" : "invalid_request_error";
  }
}

std::string error_body(const ApiError& error, std::string_view extra) {
  std::string out = R"({"error":{"message":)" + json::quoted(error.message);
  out += R"(,"type":)" + json::quoted(type_of(error));
  out += R"(,"param":)" + (error.param.empty() ? "null" : json::quoted(error.param));
  out += R"(,"code":)" + (error.code.empty() ? "null" : json::quoted(error.code));
  if (!extra.empty()) out += "," + std::string(extra);
  return out + "}}";
}

std::string error_event(const ApiError& error, std::string_view extra) {
  return "data: " + error_body(error, extra) + "\n\n";
}

ApiError from_error(const Error& error) {
  switch (error.code) {
    case Code::InvalidArgument: return {400, "invalid_request", error.message, ""};
    case Code::Unauthenticated: return {401, "invalid_api_key", error.message, ""};
    case Code::PermissionDenied: return {403, "placement_denied", error.message, ""};
    case Code::NotFound: return {404, "not_found", error.message, ""};
    case Code::AlreadyExists:
    case Code::Conflict: return {409, "conflict", error.message, ""};
    case Code::ResourceExhausted: return {429, "rate_limit_exceeded", error.message, ""};
    case Code::Unavailable:
    case Code::WouldBlock: return {503, "no_capacity", error.message, ""};
    case Code::DeadlineExceeded: return {504, "timeout", error.message, ""};
    case Code::Cancelled: return {499, "cancelled", error.message, ""};
    case Code::DataLoss: return {502, "upstream_error", error.message, ""};
    case Code::Unimplemented: return {501, "not_implemented", error.message, ""};
    case Code::Internal: break;
  }
  return {500, "internal_error", error.message, ""};
}

bool retriable(int status) { return status == 408 || status == 409 || status == 429 || status >= 500; }

}  // namespace aigrid::openai
