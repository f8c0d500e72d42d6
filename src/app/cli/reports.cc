// status, version.
#include <fmt/format.h>

#include "app/cli/access.h"
#include "app/cli/status_table.h"
#include "format/json/json.h"

namespace aigrid::cli {

io::Task<int> run_status(io::Env& env, Writer& writer, StatusOptions options) {
  auto answer = co_await call(env, options.access, "GET", "/api/v1/status");
  if (!answer.ok()) co_return fail(writer, answer.error());
  writer.out(options.json ? pretty(*answer) : status_tables(*answer));
  co_return 0;
}

io::Task<int> run_version(io::Env& env, Writer& writer, VersionOptions options) {
  (void)env;
  writer.out(options.json ? pretty({{"version", AIGRID_VERSION}}) : std::string("aigrid ") + AIGRID_VERSION + "\n");
  co_return 0;
}

}  // namespace aigrid::cli
