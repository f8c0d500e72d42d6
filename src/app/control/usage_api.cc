// GET /api/v1/usage: sums of the records that arrived. `by` (tenant, project, key, model, endpoint, site, day), `from`
// and `to` (instants), `settlement=1`. Without `by`: {"total","by_tenant"}, which stays as it is.
#include <algorithm>
#include <array>

#include "app/control/management_api.h"
#include "app/control/usage_rows.h"
#include "base/nearest_name.h"
#include "core/ledger/settlement.h"

namespace aigrid::control {

namespace {

using json::Json;

constexpr std::int64_t kDay = 86400;
constexpr std::size_t kConflictsShown = 100;

struct ByName {
  std::string_view name;
  io::UsageBy by;
};
constexpr std::array<ByName, 6> kBy = {{{"tenant", io::UsageBy::Tenant},
                                        {"project", io::UsageBy::Project},
                                        {"key", io::UsageBy::Key},
                                        {"model", io::UsageBy::Model},
                                        {"endpoint", io::UsageBy::Endpoint},
                                        {"site", io::UsageBy::Site}}};

struct Asked {
  io::UsageQuery query;
  std::vector<std::string> columns;  // of the rows, in order; "day" stands for the bucket
  bool grouped = false;
  bool settlement = false;
};

Result<void> add_column(Asked& asked, const std::string& name) {
  if (std::find(asked.columns.begin(), asked.columns.end(), name) != asked.columns.end()) return {};
  if (name == "day") {
    asked.query.bucket_s = kDay;
    asked.columns.push_back(name);
    return {};
  }
  std::vector<std::string> names = {"day"};
  for (const auto& known : kBy) {
    names.emplace_back(known.name);
    if (known.name != name) continue;
    asked.query.by.push_back(known.by);
    asked.columns.push_back(name);
    return {};
  }
  const std::string near = nearest_name(name, names);
  return invalid("usage has no column " + json::quoted(name.substr(0, 40)) + ": " +
                 (near.empty() ? "by is a list of tenant, project, key, model, endpoint, site, day"
                               : "did you mean " + near + "?"));
}

Result<Asked> asked_for(std::string_view query) {
  AIGRID_TRY(const auto pairs, api::parse_query(query));
  Asked asked;
  for (const auto& [name, value] : pairs) {
    if (name == "from") {
      AIGRID_TRY(asked.query.from_s, api::parse_instant(value));
    } else if (name == "to") {
      AIGRID_TRY(asked.query.to_s, api::parse_instant(value));
    } else if (name == "settlement") {
      asked.settlement = value == "1" || value == "true";
    } else if (name == "by") {
      asked.grouped = true;
      for (const auto& column : split_list(value)) AIGRID_CHECK_OK(add_column(asked, column));
    } else {
      return invalid("usage knows no parameter " + json::quoted(name.substr(0, 40)) + ": by, from, to, settlement");
    }
  }
  if (asked.query.from_s >= asked.query.to_s) return invalid("from is not before to: exchange them");
  if (!asked.grouped) {
    asked.query.by = {io::UsageBy::Tenant};
    asked.columns = {"tenant"};
  }
  return asked;
}

struct Found {
  std::vector<io::UsageRow> rows;
  std::vector<io::UsageRow> unknown;
  std::vector<io::WaivedRow> waived;
  std::vector<io::DebtRow> debts;
  std::vector<io::Conflict> conflicts;
};

Result<Found> look_up(io::Database& db, const io::UsageQuery& query) {
  io::RecordTable table(db);
  Found found;
  AIGRID_TRY(found.rows, table.usage(query));
  io::UsageQuery apart;
  apart.from_s = query.from_s;
  apart.to_s = query.to_s;
  apart.by = {io::UsageBy::Tenant, io::UsageBy::Model};
  apart.unknown = true;
  AIGRID_TRY(found.unknown, table.usage(apart));
  AIGRID_TRY(found.waived, table.waived(query.from_s, query.to_s));
  AIGRID_TRY(found.debts, table.debts(query.from_s, query.to_s));
  AIGRID_TRY(found.conflicts, table.conflicts(kConflictsShown));
  return found;
}

Json settlement_json(const std::vector<io::DebtRow>& debts) {
  Json out = Json::array();
  for (const auto& d : debts) {
    out.push_back({{"debtor", d.debtor},
                   {"creditor", d.creditor},
                   {"currency", d.currency},
                   {"margin_ppm", d.margin_ppm},
                   {"prompt_tokens", d.prompt_tokens},
                   {"completion_tokens", d.completion_tokens},
                   {"cost_nano", d.cost_nano},
                   {"owed_nano", ledger::owed_nano(d.cost_nano, d.margin_ppm)}});
  }
  return out;
}

Json usage_json(const Asked& asked, const Found& found) {
  Json rows = Json::array();
  io::UsageAmounts total;
  for (const auto& r : found.rows) {
    total.add(r.amounts);
    Json one = amounts_json(r.amounts);
    std::size_t name = 0;
    for (const auto& column : asked.columns) {
      one[column] = column == "day" ? api::day_text(r.bucket_s) : r.names.at(name++);
    }
    rows.push_back(std::move(one));
  }
  Json out{{"total", amounts_json(total)}, {asked.grouped ? "rows" : "by_tenant", rows}};
  if (asked.grouped) out["by"] = asked.columns;
  Json unknown = Json::array();
  for (const auto& r : found.unknown) {
    Json one = amounts_json(r.amounts);
    one["tenant"] = r.names.at(0);
    one["model"] = r.names.at(1);
    unknown.push_back(std::move(one));
  }
  out["unknown"] = std::move(unknown);
  out["waived"] = Json::array();
  for (const auto& w : found.waived) {
    out["waived"].push_back({{"reason", w.reason},
                             {"bearer", w.bearer},
                             {"prompt_tokens", w.prompt_tokens},
                             {"completion_tokens", w.completion_tokens},
                             {"cost_nano", w.cost_nano}});
  }
  out["in_question"] = Json::array();
  for (const auto& c : found.conflicts) {
    out["in_question"].push_back({{"source", c.source},
                                  {"epoch", c.epoch},
                                  {"sequence", c.sequence},
                                  {"request_id", c.request_id},
                                  {"why", c.why}});
  }
  if (asked.settlement) out["settlement"] = settlement_json(found.debts);
  return out;
}

}  // namespace

io::Task<void> ManagementApi::usage(Request& request) {
  auto asked = asked_for(query_of(request.exchange));
  if (!asked.ok()) {
    co_await refuse(request, problem_of(asked.error()));
    co_return;
  }
  std::function<Result<Found>(io::Database&)> read = [query = asked->query](io::Database& db) {
    return look_up(db, query);
  };
  auto found = co_await services_.door.run(std::move(read));
  if (!found.ok()) {
    co_await refuse(request, problem_of(found.error()));
    co_return;
  }
  const Json out = usage_json(*asked, *found);
  co_await answer(request, 200, out);
}

}  // namespace aigrid::control
