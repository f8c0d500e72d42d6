#include "app/control/problem.h"

#include "format/http/message.h"

namespace aigrid::control {

namespace {

struct Row {
  Code code;
  int status;
  const char* name;
  const char* remedy;
};

constexpr Row kRows[] = {
    {Code::InvalidArgument, 400, "invalid_request", "correct the request"},
    {Code::Unauthenticated, 401, "unauthenticated", "send the admin key as Authorization: Bearer"},
    {Code::PermissionDenied, 403, "permission_denied", ""},
    {Code::NotFound, 404, "not_found", "list what is there"},
    {Code::AlreadyExists, 409, "already_exists", "use PUT to change it"},
    {Code::Conflict, 412, "version_conflict",
     "read it again, apply the change to it, and send its version in If-Match"},
    {Code::ResourceExhausted, 507, "no_room", "free some space on control's disk, then try again"},
    {Code::DeadlineExceeded, 504, "too_slow", "try again"},
    {Code::Unavailable, 503, "unavailable", "try again"},
};

}  // namespace

int status_of(Code code) {
  for (const auto& row : kRows) {
    if (row.code == code) return row.status;
  }
  return 500;
}

Problem problem_of(const Error& error) {
  for (const auto& row : kRows) {
    if (row.code == error.code) return {row.status, row.name, error.message, row.remedy, {}};
  }
  return {500, "internal", error.message, "look at control's log", {}};
}

Problem problem_of(std::vector<api::Problem> errors) {
  Problem out{422, "invalid_configuration", "", "correct what is listed; nothing was written", std::move(errors)};
  const auto n = out.errors.size();
  out.detail = n == 1 ? out.errors.front().message : std::to_string(n) + " problems";
  return out;
}

std::string to_json(const Problem& problem, const std::string& request_id) {
  json::Json out = {{"type", "https://docs.aigrid.dev/problems/" + problem.code},
                    {"title", http::reason_phrase(problem.status)},
                    {"status", problem.status},
                    {"code", problem.code},
                    {"detail", problem.detail},
                    {"message", problem.detail},
                    {"requestId", request_id}};
  if (!problem.remedy.empty()) out["remedy"] = problem.remedy;
  if (!problem.errors.empty()) {
    out["errors"] = json::Json::array();
    for (const auto& e : problem.errors) out["errors"].push_back(api::to_json(e));
  }
  return json::dump(out);
}

std::string inner_problem(std::string_view code, std::string_view message) {
  return json::dump({{"code", code}, {"message", message}});
}

}  // namespace aigrid::control
