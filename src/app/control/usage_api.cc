// GET /api/v1/usage: sums of the records that arrived.
#include "app/control/management_api.h"
#include "io/store/records.h"

namespace aigrid::control {

io::Task<void> ManagementApi::usage(Request& request) {
  std::function<Result<std::vector<io::UsageSum>>(io::Database&)> read = [](io::Database& db) {
    return io::RecordTable(db).usage();
  };
  auto sums = co_await services_.door.run(std::move(read));
  if (!sums.ok()) {
    co_await refuse(request, problem_of(sums.error()));
    co_return;
  }
  io::UsageSum total;
  json::Json tenants = json::Json::array();
  auto row = [](const io::UsageSum& s) {
    return json::Json{{"requests", s.requests},
                      {"prompt_tokens", s.prompt_tokens},
                      {"completion_tokens", s.completion_tokens},
                      {"charge_nano", s.charge_nano}};
  };
  for (const auto& s : *sums) {
    total.requests += s.requests;
    total.prompt_tokens += s.prompt_tokens;
    total.completion_tokens += s.completion_tokens;
    total.charge_nano += s.charge_nano;
    json::Json one = row(s);
    one["tenant"] = s.tenant;
    tenants.push_back(std::move(one));
  }
  co_await answer(request, 200, {{"total", row(total)}, {"by_tenant", tenants}});
}

}  // namespace aigrid::control
