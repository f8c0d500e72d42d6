#include "app/cli/access.h"

#include "app/cli/resource_files.h"
#include "app/up/marks.h"
#include "format/json/json.h"
#include "io/client/management.h"

namespace aigrid::cli {

Result<up::GridReport> running_grid(io::Env& env, const std::string& state) {
  auto text = env.files().read_all(up::report_file(state));
  if (!text.ok() || up::running_marks(env.files(), state).empty()) {
    return Error{Code::NotFound, Origin::Client, Retry::Never, "no grid runs on " + state};
  }
  return up::decode_report(*text);
}

Result<Access> find_grid(io::Env& env, Access access) {
  if (!access.management.empty() && !access.admin_key.empty()) return access;
  auto grid = running_grid(env, access.state);
  if (!grid.ok()) {
    const char* missing = access.management.empty() ? "the management address" : "the admin key";
    return Error{Code::NotFound, Origin::Client, Retry::Never,
                 std::string(missing) +
                     " is not known: give --management and --admin-key (or AIGRID_MANAGEMENT and AIGRID_ADMIN_KEY), " +
                     "or start a grid with aigrid up (" + grid.error().message + ")"};
  }
  if (access.management.empty()) access.management = grid->management;
  if (access.admin_key.empty()) access.admin_key = grid->admin_key;
  return access;
}

io::Task<Result<nlohmann::json>> call(io::Env& env, Access access, std::string method, std::string target,
                                      std::string body, http::Headers headers) {
  AIGRID_CO_TRY(const Access found, find_grid(env, std::move(access)));
  io::ManagementClient client(env, found.management, found.admin_key, found.ca);
  auto answer = co_await client.call(std::move(method), std::move(target), std::move(body), std::move(headers),
                                     found.limits.call);
  if (!answer.ok()) {
    Error error = std::move(answer).error();
    error.message = "control at " + found.management + " gave no answer: " + error.message + "; is it running there?";
    co_return error;
  }
  if (!answer->ok()) {
    std::string text;
    for (const auto& problem : problems_of(answer->body)) text += (text.empty() ? "" : "\n") + problem;
    co_return invalid(text.empty() ? io::describe_problem(*answer) : text);
  }
  co_return json::parse(answer->body);
}

int fail(Writer& writer, const Error& error) {
  writer.note("error: " + error.message);
  return 1;
}

std::string pretty(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace aigrid::cli
