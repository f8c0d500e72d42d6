// Usage and money of a whole grid: what the engines counted is what is billed or waived, to the token, and the reports
// say it in our shape and in OpenAI's. With control's answers to names and fields that mean harm.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using nlohmann::json;
using Asks = std::vector<std::shared_ptr<Asked>>;

json resource(const char* kind, const std::string& name, json spec) {
  return {{"apiVersion", "aigrid/v1"}, {"kind", kind}, {"metadata", {{"name", name}}}, {"spec", std::move(spec)}};
}

// Prices, an operator of its own for each of two sites, and a tenant that one of them sells to.
void set_terms(WorldGrid& grid) {
  const json site{{"kind", "metro"}, {"country", "FR"}, {"jurisdiction", "FR"}, {"lat", 47}, {"lon", 4.0}};
  json paris = site, lyon = site;
  paris.update({{"operator", "op-paris"}, {"cost_nano_per_token", 30}});
  lyon.update({{"operator", "op-lyon"}, {"cost_nano_per_token", 20}});
  const json change{
      {"resources",
       {resource("Operator", "op-paris", {{"legal_name", "Paris SA"}, {"control", {"FR"}}}),
        resource("Operator", "op-lyon", {{"legal_name", "Lyon SA"}, {"control", {"FR"}}, {"margin_ppm", 50'000}}),
        resource("Site", "paris", paris), resource("Site", "lyon", lyon),
        resource("PriceBook", "list",
                 {{"currency", "EUR"},
                  {"prices", {{{"model", "small"}, {"input_nano_per_token", 20}, {"output_nano_per_token", 80}}}}}),
        resource("Tenant", "payer", {{"price_book", "list"}, {"operator", "op-paris"}}),
        resource("Project", "web", {{"tenant", "payer"}})}}};
  const auto applied = grid.call("POST", "/api/v1/apply", change);
  ASSERT_TRUE(applied.ok()) << applied.body;
}

std::string key_of(WorldGrid& grid, const char* project) {
  const auto made = grid.call("POST", "/api/v1/api-keys", {{"tenant", "payer"}, {"project", project}});
  EXPECT_TRUE(made.ok()) << made.body;
  EXPECT_TRUE(grid.wait_ready());
  return json::parse(made.body).value("key", "");
}

std::uint64_t sum(const json& rows, const char* name) {
  std::uint64_t out = 0;
  for (const auto& row : rows) out += row.value(name, std::uint64_t{0});
  return out;
}

EngineCounts all_engines(const WorldGrid& grid) {
  EngineCounts out{};
  for (const auto& node : grid.nodes()) {
    const auto counts = grid.counted(node);
    out.prompt_tokens += counts.prompt_tokens;
    out.completion_tokens += counts.completion_tokens;
  }
  return out;
}

// Requests of a tenant that pays; some leave in the middle.
Asks some_requests(WorldGrid& grid, const std::string& key, int count) {
  Asks all;
  for (int i = 0; i < count; ++i) {
    Ask ask;
    ask.key = key;
    ask.stream = i % 3 != 0;
    ask.max_tokens = 4 + static_cast<std::uint32_t>(i % 20);
    if (ask.stream && i % 10 < 4) ask.leave_after = std::chrono::milliseconds(1 + i * 37 % 260);
    ask.intent = i % 2 == 0 ? "" : "only=lyon";
    all.push_back(grid.ask_at(grid.world().now() + std::chrono::milliseconds(45 * i), "paris", ask));
  }
  return all;
}

TEST(Usage, EveryTokenOfTheEnginesIsBilledOrWaivedAndTheReportsAgree) {
  GridOptions options;
  options.engine.tail_tokens = 2;
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  set_terms(grid);
  const std::string key = key_of(grid, "web");
  const auto all = some_requests(grid, key, 400);
  ASSERT_TRUE(grid.wait_over(all, 120s + 60ms * all.size()));
  const json total = grid.settled_usage();
  const auto after = all_engines(grid);
  std::size_t known = 0;  // to a gateway: who leaves before the head is read has asked nothing
  for (const auto& a : all) known += a->left && a->request_id.empty() ? 0 : 1;
  EXPECT_GE(total.value("requests", 0U), known);
  EXPECT_LE(total.value("requests", 0U), all.size());
  const auto number = [&](const char* name) { return total.value(name, std::uint64_t{0}); };
  // Probes, and what engines made after a client had left, included.
  EXPECT_EQ(number("billed_prompt_tokens") + number("waived_prompt_tokens"), after.prompt_tokens);
  EXPECT_EQ(number("billed_completion_tokens") + number("waived_completion_tokens"), after.completion_tokens);
  std::uint64_t probes = 0;
  const json usage = grid.get("/api/v1/usage");
  for (const auto& w : usage.at("waived")) {
    const std::string reason = w.value("reason", "");
    if (reason == "probe" || reason == "cancel_tail") EXPECT_EQ(w.value("bearer", ""), "site") << w.dump();
    if (reason == "probe") probes += w.value("prompt_tokens", 0U);
  }
  EXPECT_GT(probes, 0U);
  EXPECT_EQ(number("charge_nano"), number("billed_prompt_tokens") * 20 + number("billed_completion_tokens") * 80);
  EXPECT_GT(number("billed_completion_tokens"), 0U);

  const json by = grid.get("/api/v1/usage?by=day,site,project&settlement=1");
  EXPECT_EQ(sum(by.at("rows"), "completion_tokens"), number("completion_tokens"));
  EXPECT_EQ(sum(by.at("rows"), "charge_nano"), number("charge_nano"));
  for (const auto& row : by.at("rows")) {
    if (row.value("requests", 0U) == 0) continue;  // what nodes did for no request
    EXPECT_EQ(row.value("project", ""), "web");
    EXPECT_EQ(row.value("day", "").size(), 10U);
  }
  ASSERT_EQ(by.at("settlement").size(), 1U) << by.at("settlement").dump();
  const json& debt = by.at("settlement").at(0);
  EXPECT_EQ(debt.value("debtor", ""), "op-paris");
  EXPECT_EQ(debt.value("creditor", ""), "op-lyon");
  const auto cost = debt.value("cost_nano", std::int64_t{0});
  EXPECT_GT(cost, 0);
  EXPECT_EQ(cost, (debt.value("prompt_tokens", 0) + debt.value("completion_tokens", 0)) * 20);
  EXPECT_EQ(debt.value("owed_nano", 0), cost + cost / 20);
  EXPECT_TRUE(by.at("in_question").empty()) << by.at("in_question").dump(1);
  EXPECT_TRUE(by.at("unknown").empty());
  EXPECT_TRUE(grid.get("/api/v1/usage?to=1970-01-02").at("by_tenant").empty());
}

// The price in force when a request was admitted is the price of all its tokens.
TEST(Usage, APriceChangedInTheMiddleIsThatOfTheNextRequest) {
  GridOptions options;
  options.engine.decode_tokens_per_s = 4;
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  set_terms(grid);
  Ask ask;
  ask.key = key_of(grid, "web");
  ask.max_tokens = 20;
  auto before = grid.ask("paris", ask);
  ASSERT_TRUE(grid.world().run_until([&] { return before->tokens > 2; }, 30s)) << before->why;
  const json prices{
      {"currency", "EUR"},
      {"prices", {{{"model", "small"}, {"input_nano_per_token", 1000}, {"output_nano_per_token", 5000}}}}};
  const auto applied = grid.call("POST", "/api/v1/apply", {{"resources", {resource("PriceBook", "list", prices)}}});
  ASSERT_TRUE(applied.ok()) << applied.body;
  ASSERT_TRUE(grid.wait_ready());
  ASSERT_FALSE(before->over) << "the change came too late to be in the middle";
  ASSERT_TRUE(grid.wait_over({before}, 60s));
  const json old = grid.settled_usage();
  EXPECT_EQ(old.value("charge_nano", 0), old.value("billed_prompt_tokens", 0) * 20 + 20 * 80);
  auto after = grid.ask("paris", ask);
  ASSERT_TRUE(grid.wait_over({after}, 60s));
  const json now = grid.settled_usage();
  EXPECT_EQ(now.value("charge_nano", 0) - old.value("charge_nano", 0),
            (now.value("billed_prompt_tokens", 0) - old.value("billed_prompt_tokens", 0)) * 1000 + 20 * 5000);
}

TEST(Usage, OrganizationReportsInOpenAisShape) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  set_terms(grid);
  const std::string key = key_of(grid, "web");
  const auto all = some_requests(grid, key, 12);
  ASSERT_TRUE(grid.wait_over(all, 60s));
  const json total = grid.settled_usage();
  const auto now = unix_seconds(grid.world().env("control/control").wall());
  const std::string from = std::to_string(now - 3600);
  const json page = grid.get("/v1/organization/usage/completions?start_time=" + from +
                             "&bucket_width=1h&group_by%5B%5D=project_id" + "&group_by%5B%5D=model&limit=1");
  EXPECT_EQ(page.value("object", ""), "page");
  ASSERT_EQ(page.at("data").size(), 1U);
  ASSERT_TRUE(page.value("has_more", false));
  json buckets = page.at("data");
  const json rest = grid.get("/v1/organization/usage/completions?start_time=" + from +
                             "&bucket_width=1h&group_by=" + "project_id,model&page=" + page.value("next_page", ""));
  EXPECT_FALSE(rest.value("has_more", true));
  EXPECT_TRUE(rest.at("next_page").is_null());
  for (const auto& b : rest.at("data")) buckets.push_back(b);
  std::uint64_t requests = 0, output = 0;
  for (const auto& bucket : buckets) {
    EXPECT_EQ(bucket.value("object", ""), "bucket");
    EXPECT_EQ(bucket.value("end_time", 0LL) - bucket.value("start_time", 0LL), 3600);
    for (const auto& r : bucket.at("results")) {
      EXPECT_EQ(r.value("object", ""), "organization.usage.completions.result");
      EXPECT_EQ(r.value("project_id", ""), "web");
      EXPECT_EQ(r.value("model", ""), "small");
      EXPECT_TRUE(r.at("user_id").is_null());
      requests += r.value("num_model_requests", 0U);
      output += r.value("output_tokens", 0U);
    }
  }
  EXPECT_EQ(requests, all.size());
  EXPECT_EQ(output, total.value("completion_tokens", 0U));
  const json costs = grid.get("/v1/organization/costs?start_time=" + from);
  std::int64_t nano = 0;
  for (const auto& bucket : costs.at("data")) {
    for (const auto& r : bucket.at("results")) {
      EXPECT_EQ(r.value("object", ""), "organization.costs.result");
      EXPECT_EQ(r.at("amount").value("currency", ""), "eur");
      nano += r.at("amount").value("nano", std::int64_t{0});
    }
  }
  EXPECT_EQ(nano, total.value("charge_nano", std::int64_t{-1}));
}

TEST(Usage, BadQuestionsSayWhatIsWrong) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"/api/v1/usage?by=tennant", "did you mean tenant?"},
      {"/api/v1/usage?from=yesterday", "no instant"},
      {"/api/v1/usage?from=2026-01-02&to=2026-01-01", "not before"},
      {"/api/v1/usage?group=site", "no parameter"},
      {"/v1/organization/usage/completions", "start_time is missing"},
      {"/v1/organization/usage/completions?start_time=x", "whole number"},
      {"/v1/organization/usage/completions?start_time=1&bucket_width=2d", "1m, 1h, 1d"},
      {"/v1/organization/usage/completions?start_time=1&limit=40", "at most 31"},
      {"/v1/organization/usage/completions?start_time=1&page=7", "next_page"},
      {"/v1/organization/usage/completions?start_time=1&group_by=colour", "project_id"},
      {"/v1/organization/costs?start_time=1&bucket_width=1h", "1d"}};
  for (const auto& [target, words] : bad) {
    const auto answer = grid.call("GET", target);
    EXPECT_EQ(answer.status, 400) << target << " " << answer.body;
    EXPECT_NE(answer.body.find(words), std::string::npos) << target << ": " << answer.body;
  }
  EXPECT_EQ(grid.call("GET", "/v1/organization/audit_logs").status, 404);
}

TEST(Usage, NamesAndFieldsThatMeanHarmAreRefused) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  for (const char* field : {"org_id", "role", "price", "hash", "kid", "limits"}) {
    const auto answer = grid.call("POST", "/api/v1/api-keys", {{"tenant", "free"}, {field, "x"}});
    EXPECT_EQ(answer.status, 400) << field << answer.body;
    EXPECT_NE(answer.body.find(field), std::string::npos) << answer.body;
  }
  const std::vector<std::string> names = {"../x", "😀", std::string("a\0b", 3), "\u202Eevil", std::string(65536, 'a'),
                                          ""};
  for (const auto& name : names) {
    const auto tenant = grid.call("POST", "/api/v1/apply", {{"resources", {resource("Tenant", name, json::object())}}});
    EXPECT_EQ(tenant.status, 422) << name.substr(0, 20) << tenant.body.substr(0, 300);
    EXPECT_LT(tenant.body.size(), 2000U) << "the name is not repeated whole";
    const auto key = grid.call("POST", "/api/v1/api-keys", {{"tenant", name}});
    EXPECT_TRUE(key.status == 400 || key.status == 422) << key.status << key.body.substr(0, 300);
  }
  const auto foreign =
      grid.call("POST", "/api/v1/apply", {{"resources", {resource("Project", "theirs", {{"tenant", "free"}})}}});
  ASSERT_TRUE(foreign.ok()) << foreign.body;
  const auto mixed = grid.call("POST", "/api/v1/api-keys", {{"tenant", "mairie"}, {"project", "theirs"}});
  EXPECT_GE(mixed.status, 400) << "a key of one tenant in the project of another: " << mixed.body;
}

TEST(Usage, AKeyOfADeletedProjectIsRefused) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  set_terms(grid);
  const std::string key = key_of(grid, "web");
  Ask ask;
  ask.key = key;
  auto good = grid.ask("paris", ask);
  ASSERT_TRUE(grid.wait_over({good}, 30s));
  EXPECT_EQ(good->status, 200);
  const auto gone = grid.call("DELETE", "/api/v1/projects/web");
  if (!gone.ok()) {  // control may keep it while keys name it
    EXPECT_NE(gone.body.find("web"), std::string::npos);
    return;
  }
  ASSERT_TRUE(grid.wait_ready());
  auto refused = grid.ask("paris", ask);
  ASSERT_TRUE(grid.wait_over({refused}, 30s));
  EXPECT_EQ(refused->status, 401) << refused->why;
  EXPECT_EQ(refused->code, "invalid_api_key");
  EXPECT_NE(refused->why.find("web"), std::string::npos);
}

}  // namespace
}  // namespace aigrid::world
