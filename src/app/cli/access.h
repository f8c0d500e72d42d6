// Access made usable: which grid a command talks to, and calls to its management API with errors for people. One
// worker.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/cli/commands.h"
#include "app/up/report.h"
#include "format/http/message.h"

namespace aigrid::cli {

// The grid that `aigrid up` runs on a state folder. NotFound where none does.
Result<up::GridReport> running_grid(io::Env& env, const std::string& state);

// Fills in what flags and environment left open. NotFound says how to name a grid.
Result<Access> find_grid(io::Env& env, Access access);

// JSON of a good answer; a problem answer or none is an Error for people.
io::Task<Result<nlohmann::json>> call(io::Env& env, Access access, std::string method, std::string target,
                                      std::string body = {}, http::Headers headers = {});

// "error: …" as a note; 1.
int fail(Writer& writer, const Error& error);
std::string pretty(const nlohmann::json& value);

}  // namespace aigrid::cli
