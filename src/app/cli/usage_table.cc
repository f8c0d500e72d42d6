#include "app/cli/usage_table.h"

#include <fmt/format.h>

#include <vector>

#include "app/cli/writer.h"
#include "format/json/json.h"

namespace aigrid::cli {

namespace {

using Json = nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

std::string text_of(const Json& value, const std::string& name) {
  std::string out;
  json::Reader(value).get(name.c_str(), out);
  return out;
}

std::int64_t number_of(const Json& value, const char* name) {
  std::int64_t out = 0;
  json::Reader(value).get(name, out);
  return out;
}

std::string count_of(const Json& value, const char* name) { return std::to_string(number_of(value, name)); }

template <class F>
void each(const Json& value, const char* name, F visit) {
  json::Reader reader(value);
  if (const auto* list = reader.list(name)) {
    for (const auto& one : *list) visit(one);
  }
}

void add_sums(std::vector<std::string>& row, const Json& value) {
  for (const char* name : {"requests", "prompt_tokens", "completion_tokens"}) row.push_back(count_of(value, name));
  row.push_back(money_text(number_of(value, "charge_nano")));
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

std::string waived_table(const Json& usage) {
  Rows rows{{"WAIVED", "BORNE BY", "PROMPT TOKENS", "COMPLETION TOKENS", "COST"}};
  each(usage, "waived", [&](const Json& w) {
    rows.push_back({text_of(w, "reason"), text_of(w, "bearer"), count_of(w, "prompt_tokens"),
                    count_of(w, "completion_tokens"), money_text(number_of(w, "cost_nano"))});
  });
  return rows.size() == 1 ? std::string() : "\n" + table_text(rows);
}

std::string unknown_table(const Json& usage) {
  Rows rows{{"UNKNOWN TENANT OR MODEL", "", "REQUESTS", "PROMPT TOKENS", "COMPLETION TOKENS", "CHARGE"}};
  each(usage, "unknown", [&](const Json& u) {
    rows.push_back({text_of(u, "tenant"), text_of(u, "model")});
    add_sums(rows.back(), u);
  });
  return rows.size() == 1 ? std::string() : "\n" + table_text(rows);
}

std::string question_table(const Json& usage) {
  Rows rows{{"RECORD IN QUESTION", "REQUEST", "WHY"}};
  each(usage, "in_question", [&](const Json& c) {
    rows.push_back({fmt::format("{} {}/{}", text_of(c, "source"), number_of(c, "epoch"), number_of(c, "sequence")),
                    text_of(c, "request_id"), text_of(c, "why")});
  });
  return rows.size() == 1 ? std::string() : "\n" + table_text(rows);
}

}  // namespace

std::string money_text(std::int64_t nano) {
  constexpr std::int64_t kUnit = 1'000'000'000;
  const char* sign = nano < 0 ? "-" : "";
  const auto size = nano < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(nano) : static_cast<std::uint64_t>(nano);
  return fmt::format("{}{}.{:09}", sign, size / kUnit, size % kUnit);
}

std::string usage_table(const Json& usage) {
  std::vector<std::string> by;
  json::Reader(usage).get("by", by);
  const bool grouped = !by.empty();
  if (!grouped) by = {"tenant"};
  Rows rows(1);
  for (const auto& column : by) rows[0].push_back(upper(column));
  for (const char* column : {"REQUESTS", "PROMPT TOKENS", "COMPLETION TOKENS", "CHARGE"}) rows[0].emplace_back(column);
  each(usage, grouped ? "rows" : "by_tenant", [&](const Json& one) {
    rows.emplace_back();
    for (const auto& column : by) rows.back().push_back(text_of(one, column));
    add_sums(rows.back(), one);
  });
  json::Reader reader(usage);
  if (const auto* total = reader.object("total")) {
    rows.emplace_back(by.size(), "-");
    rows.back().front() = "total";
    add_sums(rows.back(), *total);
  }
  return table_text(rows) + waived_table(usage) + unknown_table(usage) + question_table(usage);
}

std::string settlement_table(const Json& usage) {
  Rows rows{{"OWES", "TO", "CURRENCY", "PROMPT TOKENS", "COMPLETION TOKENS", "COST", "MARGIN %", "OWED"}};
  each(usage, "settlement", [&](const Json& d) {
    const auto ppm = number_of(d, "margin_ppm");
    rows.push_back({text_of(d, "debtor"), text_of(d, "creditor"), text_of(d, "currency"), count_of(d, "prompt_tokens"),
                    count_of(d, "completion_tokens"), money_text(number_of(d, "cost_nano")),
                    fmt::format("{}.{:04}", ppm / 10'000, ppm % 10'000), money_text(number_of(d, "owed_nano"))});
  });
  if (rows.size() == 1) return "Nobody owes anybody: no tenant of one operator was served at a site of another.\n";
  return table_text(rows);
}

}  // namespace aigrid::cli
