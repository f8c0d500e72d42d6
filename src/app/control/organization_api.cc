// GET /v1/organization/usage/completions, /usage/embeddings and /costs: usage in OpenAI's shape, for the tools that
// read it: buckets of time, group_by, filters, pages. Behind the admin key, as all of the management listener. A
// project of theirs is a project of ours; `tenant` filters by tenant.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "app/control/management_api.h"
#include "app/control/usage_rows.h"
#include "core/ledger/terms.h"

namespace aigrid::control {

namespace {

using json::Json;

struct Report {
  enum class Kind : std::uint8_t { Completions, Embeddings, Costs } kind = Kind::Completions;
  io::UsageQuery query;
  std::int64_t start_s = -1;
  std::int64_t limit = 0;
  std::vector<std::string> group_by;
};

struct Width {
  std::string_view name;
  std::int64_t seconds;
  std::int64_t limit;  // buckets on a page
  std::int64_t most;
};
constexpr std::array<Width, 3> kWidths = {{{"1d", 86400, 7, 31}, {"1h", 3600, 24, 168}, {"1m", 60, 60, 1440}}};
constexpr Width kCostWidth = {"1d", 86400, 7, 180};

std::optional<io::UsageBy> column_of(std::string_view name) {
  if (name == "project_id" || name == "project_ids") return io::UsageBy::Project;
  if (name == "api_key_id" || name == "api_key_ids") return io::UsageBy::Key;
  if (name == "model" || name == "models") return io::UsageBy::Model;
  if (name == "tenant") return io::UsageBy::Tenant;
  return std::nullopt;
}

Result<std::int64_t> number(const std::string& name, const std::string& value, std::int64_t least, std::int64_t most) {
  std::int64_t out = 0;
  const auto end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, out);
  if (read.ec == std::errc() && read.ptr == end && out >= least && out <= most) return out;
  return invalid(name + " is " + json::quoted(value.substr(0, 40)) + ": write a whole number from " +
                 std::to_string(least) + " to " + std::to_string(most));
}

// "next_page" is the begin of the first bucket on it.
constexpr std::string_view kPage = "page_";

Result<void> read_one(Report& report, Width& width, const std::string& name, const std::string& value) {
  constexpr auto kEnd = std::int64_t{1} << 40;
  if (name == "start_time") {
    AIGRID_TRY(report.start_s, number(name, value, 0, kEnd));
  } else if (name == "end_time") {
    AIGRID_TRY(report.query.to_s, number(name, value, 0, kEnd));
  } else if (name == "limit") {
    AIGRID_TRY(report.limit, number(name, value, 1, kCostWidth.most * 8));
  } else if (name == "page") {
    if (!value.starts_with(kPage)) return invalid("page is no page of this report: pass next_page as it came");
    AIGRID_TRY(report.query.from_s, number(name, value.substr(kPage.size()), 0, kEnd));
  } else if (name == "bucket_width") {
    const auto found = std::find_if(kWidths.begin(), kWidths.end(), [&](const Width& w) { return w.name == value; });
    const bool costs = report.kind == Report::Kind::Costs;
    if (found == kWidths.end() || (costs && value != kCostWidth.name)) {
      return invalid("bucket_width is " + json::quoted(value.substr(0, 40)) + ": " +
                     (costs ? "costs have 1d" : "one of 1m, 1h, 1d"));
    }
    width = costs ? kCostWidth : *found;
  } else if (name == "group_by") {
    for (const auto& field : split_list(value)) report.group_by.push_back(field);
  } else if (const auto column = column_of(name);
             column && name != "project_id" && name != "api_key_id" && name != "model") {
    for (const auto& one : split_list(value)) report.query.only[*column].push_back(one);
  } else {
    return invalid("this report knows no parameter " + json::quoted(name.substr(0, 40)) +
                   ": start_time, end_time, bucket_width, limit, page, group_by, project_ids, api_key_ids, models, "
                   "tenant");
  }
  return {};
}

Result<void> group(Report& report) {
  const bool costs = report.kind == Report::Kind::Costs;
  std::vector<std::string> known;
  for (const auto& field : report.group_by) {
    // What we do not tell apart is null in every result, as it is with them.
    const bool other = costs ? field == "line_item" : field == "user_id" || field == "batch" || field == "service_tier";
    const auto column = column_of(field);
    if (other) {
      if (costs) report.query.by.push_back(io::UsageBy::Model);
      if (costs) known.push_back(field);
      continue;
    }
    if (!column || field.ends_with("s")) {
      return invalid("group_by is " + json::quoted(field.substr(0, 40)) + ": " +
                     (costs ? "project_id, api_key_id, line_item" : "project_id, api_key_id, model"));
    }
    if (std::find(known.begin(), known.end(), field) != known.end()) continue;
    report.query.by.push_back(*column);
    known.push_back(field);
  }
  report.group_by = std::move(known);
  if (costs) report.query.by.push_back(io::UsageBy::Currency);
  return {};
}

Result<Report> read_report(Report::Kind kind, std::string_view query, std::int64_t now_s) {
  AIGRID_TRY(const auto pairs, api::parse_query(query));
  Report report;
  report.kind = kind;
  report.query.from_s = -1;
  report.query.to_s = -1;
  Width width = kind == Report::Kind::Costs ? kCostWidth : kWidths[0];
  for (const auto& [name, value] : pairs) AIGRID_CHECK_OK(read_one(report, width, name, value));
  if (report.start_s < 0) return invalid("start_time is missing: seconds since 1970, UTC");
  if (report.limit == 0) report.limit = width.limit;
  if (report.limit > width.most) {
    return invalid("limit is " + std::to_string(report.limit) + ": at most " + std::to_string(width.most) +
                   " buckets of " + std::string(width.name) + " on a page");
  }
  if (report.query.to_s < 0) report.query.to_s = now_s + 1;
  if (report.query.from_s < report.start_s) report.query.from_s = report.start_s;
  if (report.query.from_s >= report.query.to_s) return invalid("start_time is not before end_time: exchange them");
  report.query.bucket_s = width.seconds;
  if (kind != Report::Kind::Costs) {
    report.query.only[io::UsageBy::Endpoint] = {kind == Report::Kind::Embeddings ? "embeddings" : "chat.completions"};
  }
  AIGRID_CHECK_OK(group(report));
  return report;
}

Json result_json(const Report& report, const io::UsageRow& row) {
  Json out = Json::object();
  if (report.kind == Report::Kind::Costs) {
    const std::string& currency = row.names.back();
    std::string lower;
    for (const char c : currency) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    // `value` is what their tools read; `nano` is exact.
    out = {{"object", "organization.costs.result"},
           {"amount",
            {{"value", static_cast<double>(row.amounts.charge_nano) / ledger::kNanoPerUnit},
             {"currency", lower},
             {"nano", row.amounts.charge_nano}}},
           {"line_item", nullptr},
           {"project_id", nullptr},
           {"api_key_id", nullptr}};
  } else {
    out = {{"object", report.kind == Report::Kind::Embeddings ? "organization.usage.embeddings.result"
                                                              : "organization.usage.completions.result"},
           {"input_tokens", row.amounts.prompt_tokens},
           {"num_model_requests", row.amounts.requests},
           {"project_id", nullptr},
           {"user_id", nullptr},
           {"api_key_id", nullptr},
           {"model", nullptr}};
    if (report.kind == Report::Kind::Completions) {
      out["output_tokens"] = row.amounts.completion_tokens;
      out["input_cached_tokens"] = row.amounts.cached_tokens;
      out["input_audio_tokens"] = 0;
      out["output_audio_tokens"] = 0;
      out["batch"] = nullptr;
      out["service_tier"] = nullptr;
    }
  }
  for (std::size_t i = 0; i < report.group_by.size(); ++i) {
    if (!row.names.at(i).empty()) out[report.group_by[i]] = row.names[i];
  }
  return out;
}

// Every bucket of the page, the empty ones too.
Json page_json(const Report& report, const std::vector<io::UsageRow>& rows) {
  const std::int64_t width = report.query.bucket_s;
  const std::int64_t first = report.query.from_s - report.query.from_s % width;
  Json buckets = Json::array();
  std::int64_t at = first;
  auto row = rows.begin();
  for (; at < report.query.to_s && at < first + report.limit * width; at += width) {
    Json results = Json::array();
    for (; row != rows.end() && row->bucket_s == at; ++row) {
      // What nodes did for no request has a row, and no request.
      const bool costs = report.kind == Report::Kind::Costs;
      const bool nothing = costs ? row->amounts.charge_nano == 0 : row->amounts.requests == 0;
      if (!nothing) results.push_back(result_json(report, *row));
    }
    buckets.push_back({{"object", "bucket"}, {"start_time", at}, {"end_time", at + width}, {"results", results}});
  }
  const bool more = at < report.query.to_s;
  return {{"object", "page"},
          {"data", buckets},
          {"has_more", more},
          {"next_page", more ? Json(std::string(kPage) + std::to_string(at)) : Json(nullptr)}};
}

std::optional<Report::Kind> report_at(const std::vector<std::string>& path) {
  if (path.size() == 3 && path[2] == "costs") return Report::Kind::Costs;
  if (path.size() != 4 || path[2] != "usage") return std::nullopt;
  if (path[3] == "completions") return Report::Kind::Completions;
  if (path[3] == "embeddings") return Report::Kind::Embeddings;
  return std::nullopt;
}

}  // namespace

io::Task<void> ManagementApi::organization(Request& request, std::vector<std::string> path) {
  const auto kind = report_at(path);
  if (!kind || request.method != "GET") {
    co_await refuse(request, {404,
                              "not_found",
                              "there is no such report",
                              "GET /v1/organization/usage/completions, /v1/organization/usage/embeddings or "
                              "/v1/organization/costs",
                              {}});
    co_return;
  }
  auto report = read_report(*kind, query_of(request.exchange), unix_seconds(services_.env.wall()));
  if (!report.ok()) {
    co_await refuse(request, problem_of(report.error()));
    co_return;
  }
  io::UsageQuery query = report->query;
  query.to_s = std::min(query.to_s, query.from_s - query.from_s % query.bucket_s + report->limit * query.bucket_s);
  std::function<Result<std::vector<io::UsageRow>>(io::Database&)> read = [query](io::Database& db) {
    return io::RecordTable(db).usage(query);
  };
  auto rows = co_await services_.door.run(std::move(read));
  if (!rows.ok()) {
    co_await refuse(request, problem_of(rows.error()));
    co_return;
  }
  const Json out = page_json(*report, *rows);
  co_await answer(request, 200, out);
}

}  // namespace aigrid::control
