// Errors of the management API as RFC 9457 problems: type, title, status, code, detail, remedy, errors[], requestId.
// Pure. One table maps an Error's code to a status.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "format/api/resource.h"
#include "format/json/json.h"

namespace aigrid::control {

struct Problem {
  int status = 500;
  std::string code;  // snake_case, stable
  std::string detail;
  std::string remedy;
  std::vector<api::Problem> errors;
};

int status_of(Code code);
Problem problem_of(const Error& error);
Problem problem_of(std::vector<api::Problem> errors);  // 422
std::string to_json(const Problem& problem, const std::string& request_id);
// {"code","message"}, the form of the inner listener.
std::string inner_problem(std::string_view code, std::string_view message);

}  // namespace aigrid::control
