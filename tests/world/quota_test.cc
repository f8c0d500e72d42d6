// Quotas with many gateways, control dead and gateways dying: what all of them admit together stays within the limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using nlohmann::json;
using Asks = std::vector<std::shared_ptr<Asked>>;

const std::vector<std::string> kSix = {"lyon", "paris", "zurich", "nice", "lille", "metz"};

json resource(const char* kind, const std::string& name, json spec) {
  return {{"apiVersion", "aigrid/v1"}, {"kind", kind}, {"metadata", {{"name", name}}}, {"spec", std::move(spec)}};
}

GridOptions six() {
  GridOptions o;
  o.sites = kSix;
  o.slots = 16;
  return o;
}

// A key of project "p" of a tenant that pays, with these limits on the project; applied everywhere.
std::string limited_key(WorldGrid& grid, json limits) {
  const json change{
      {"resources",
       {resource("PriceBook", "list",
                 {{"currency", "EUR"},
                  {"prices", {{{"model", "small"}, {"input_nano_per_token", 20}, {"output_nano_per_token", 80}}}}}),
        resource("Tenant", "payer", {{"price_book", "list"}}),
        resource("Project", "p", {{"tenant", "payer"}, {"limits", std::move(limits)}})}}};
  const auto applied = grid.call("POST", "/api/v1/apply", change);
  EXPECT_TRUE(applied.ok()) << applied.body;
  const auto made = grid.call("POST", "/api/v1/api-keys", {{"tenant", "payer"}, {"project", "p"}});
  EXPECT_TRUE(made.ok()) << made.body;
  EXPECT_TRUE(grid.wait_ready());
  return json::parse(made.body).value("key", "");
}

Asks load(WorldGrid& grid, const std::string& key, double per_second, Duration span, std::uint32_t tokens = 4,
          const std::string& prompt = Ask{}.prompt) {
  Asks out;
  const auto count = static_cast<std::size_t>(per_second * to_ms_f(span) / 1000);
  for (std::size_t i = 0; i < count; ++i) {
    Ask ask;
    ask.key = key;
    ask.stream = i % 2 == 0;
    ask.max_tokens = tokens;
    ask.prompt = prompt;
    const Time at = grid.world().now() + from_ms_f(1000.0 * static_cast<double>(i) / per_second);
    out.push_back(grid.ask_at(at, kSix[i % kSix.size()], ask));
  }
  return out;
}

// The most that came together in any 60 s, of (when, how much).
std::uint64_t most_in_a_minute(std::vector<std::pair<Time, std::uint64_t>> all) {
  std::sort(all.begin(), all.end());
  std::uint64_t most = 0, sum = 0;
  for (std::size_t first = 0, last = 0; last < all.size(); ++last) {
    sum += all[last].second;
    // What waits for its quota is admitted later than it asked.
    for (; all[last].first - all[first].first >= 59s; ++first) sum -= all[first].second;
    most = std::max(most, sum);
  }
  return most;
}

std::uint64_t requests_in_a_minute(const Asks& all) {
  std::vector<std::pair<Time, std::uint64_t>> begun;
  for (const auto& a : all) {
    if (a->status == 200) begun.emplace_back(a->asked, 1);
  }
  return most_in_a_minute(std::move(begun));
}

std::uint64_t tokens_in_a_minute(const Asks& all, std::uint64_t prompt_tokens) {
  std::vector<std::pair<Time, std::uint64_t>> ended;
  for (const auto& a : all) {
    if (a->status == 200) ended.emplace_back(a->ended, prompt_tokens + a->tokens);
  }
  return most_in_a_minute(std::move(ended));
}

// What the client is told of its limits is what they are, and when to come again.
void check_told(const Asks& all, const char* kind, std::uint64_t limit) {
  for (const auto& a : all) {
    if (a->status != 200 && a->status != 429) continue;
    EXPECT_EQ(a->headers.get(std::string("x-ratelimit-limit-") + kind).value_or(""), std::to_string(limit));
    const auto left = a->headers.get(std::string("x-ratelimit-remaining-") + kind);
    ASSERT_TRUE(left) << a->status;
    EXPECT_LE(std::stoull(std::string(*left)), limit);
    if (a->status == 200) continue;
    const auto wait = a->headers.get("retry-after");
    ASSERT_TRUE(wait) << a->code;
    EXPECT_GE(std::stoi(std::string(*wait)), 1);
    EXPECT_LE(std::stoi(std::string(*wait)), 20);
  }
}

// A line of the drill's table.
void say(const char* what, std::uint64_t limit, std::uint64_t most) {
  std::printf("| %s: the most, of a limit of %llu | %llu | %llu | |\n", what, static_cast<unsigned long long>(limit),
              static_cast<unsigned long long>(most), static_cast<unsigned long long>(limit * 101 / 100));
}

std::map<std::string, int> refusals(const Asks& all) {
  std::map<std::string, int> out;
  for (const auto& a : all) {
    if (a->status != 200) ++out[std::to_string(a->status) + " " + a->code];
  }
  return out;
}

TEST(Quota, RequestsPerMinuteOverSixGatewaysWithControlDeadAndGatewaysDying) {
  GridOptions options = six();
  options.workers = {{"lyon", 3}, {"zurich", 2}};  // of which each borrows for itself
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  const std::string key = limited_key(grid, {{"requests_per_minute", 200}});
  grid.world().kill("control/control");
  auto all = load(grid, key, 20, 130s);
  grid.world().run_for(25s);
  grid.world().kill("metz/gateway");
  grid.world().run_for(10s);
  grid.world().kill("lille/gateway");
  grid.restart_gateway("metz");
  grid.world().run_for(10s);
  grid.restart_gateway("lille");
  ASSERT_TRUE(grid.wait_over(all, 200s));
  const auto said = refusals(all);
  EXPECT_LE(requests_in_a_minute(all), 200U * 101 / 100);
  EXPECT_GE(requests_in_a_minute(all), 170U) << "the limit is hardly used";
  say("requests a minute", 200, requests_in_a_minute(all));
  check_told(all, "requests", 200);
  EXPECT_GT(said.count("429 rate_limit_exceeded"), 0U);
}

// Every other byte is a token: a guess of four bytes a token would let twice the limit through.
TEST(Quota, TokensPerMinuteOfDenseTextOverSixGatewaysWithControlDead) {
  WorldGrid grid(six());
  ASSERT_TRUE(grid.start());
  constexpr std::uint64_t kLimit = 20'000;
  const std::string key = limited_key(grid, {{"tokens_per_minute", kLimit}});
  grid.world().kill("control/control");
  std::string dense;
  for (int i = 0; i < 300; ++i) dense += "x ";
  auto all = load(grid, key, 10, 100s, 4, dense);
  grid.world().run_for(25s);
  grid.world().kill("metz/gateway");
  grid.world().run_for(5s);
  grid.restart_gateway("metz");
  ASSERT_TRUE(grid.wait_over(all, 200s));
  const auto most = tokens_in_a_minute(all, 304);  // the virtual engine's template is 4 tokens
  EXPECT_LE(most, kLimit * 101 / 100);
  EXPECT_GE(most, kLimit * 7 / 10) << "the limit is hardly used";
  EXPECT_GT(refusals(all)["429 rate_limit_exceeded"], 0);
  say("tokens a minute, of dense text", kLimit, most);
  check_told(all, "tokens", kLimit);
}

// A byte of a body may be a token until an engine has counted: then the prompt and the longest answer are what is kept.
TEST(Quota, WhatTheEngineCountedIsReservedAndNoMore) {
  GridOptions options = six();
  options.engine.decode_tokens_per_s = 4;  // it runs for long
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  const std::string key = limited_key(grid, {{"tokens_per_minute", 1100}});
  Ask ask;
  ask.key = key;
  ask.max_tokens = 40;
  ask.prompt.clear();
  for (int i = 0; i < 60; ++i) ask.prompt += "something ";
  for (const bool stream : {true, false}) {
    SCOPED_TRACE(stream);
    ask.stream = stream;
    grid.world().run_for(61s);  // all is free
    std::vector<std::shared_ptr<Asked>> all;
    for (int i = 0; i < 4; ++i) {  // 64 + 40 tokens each, and each of more than 600 bytes
      all.push_back(grid.ask("paris", ask));
      grid.world().run_for(1s);
    }
    ASSERT_TRUE(grid.wait_over(all, 40s));
    for (const auto& a : all) EXPECT_EQ(a->status, 200) << a->why;
    for (const auto& a : all) EXPECT_GT(a->ended, all.back()->asked) << "all ran at a time";
  }
}

// A prompt whose bytes are more than a whole limit, and whose tokens are not, is served: alone.
TEST(Quota, ALongPromptWithinTheLimitIsServed) {
  WorldGrid grid(six());
  ASSERT_TRUE(grid.start());
  const std::string key = limited_key(grid, {{"tokens_per_minute", 500}});
  std::string prose;
  for (int i = 0; i < 100; ++i) prose += "something ";
  Ask ask;
  ask.key = key;
  ask.prompt = prose;
  auto first = grid.ask("paris", ask);
  ASSERT_TRUE(grid.wait_over({first}, 30s));
  EXPECT_EQ(first->status, 200) << first->why;
  auto second = grid.ask("lyon", ask);
  ASSERT_TRUE(grid.wait_over({second}, 30s));
  EXPECT_EQ(second->status, 429);
}

TEST(Quota, SpendPerDayIsNotPassedWithControlDead) {
  WorldGrid grid(six());
  ASSERT_TRUE(grid.start());
  constexpr std::int64_t kCap = 200'000;
  const std::string key = limited_key(grid, {{"spend_nano_per_day", kCap}});
  grid.world().kill("control/control");
  auto all = load(grid, key, 10, 60s, 8);
  grid.world().run_for(20s);
  grid.world().kill("nice/gateway");
  grid.world().run_for(5s);
  grid.restart_gateway("nice");
  ASSERT_TRUE(grid.wait_over(all, 200s));
  grid.restart_control();
  ASSERT_TRUE(grid.wait_ready());
  const auto usage = grid.settled_usage();
  const auto spent = usage.value("charge_nano", std::int64_t{0});
  EXPECT_LE(spent, kCap + kCap / 100);
  EXPECT_GE(spent, kCap * 7 / 10) << usage.dump();
  EXPECT_GT(refusals(all)["429 insufficient_quota"], 0);
  say("spend a day, 1e-9", kCap, static_cast<std::uint64_t>(spent));
}

// How many ran at a time, from the first byte to the last.
int most_at_once(const Asks& all) {
  std::vector<std::pair<Time, int>> changes;
  for (const auto& a : all) {
    if (a->status != 200) continue;
    changes.emplace_back(a->first, 1);
    changes.emplace_back(a->ended, -1);
  }
  std::sort(changes.begin(), changes.end(),
            [](const auto& x, const auto& y) { return x.first != y.first ? x.first < y.first : x.second < y.second; });
  int running = 0, most = 0;
  for (const auto& [at, change] : changes) most = std::max(most, running += change);
  return most;
}

TEST(Quota, ConcurrentRequestsAreCountedOverAllGateways) {
  WorldGrid grid(six());
  ASSERT_TRUE(grid.start());
  const std::string key = limited_key(grid, {{"concurrent_requests", 5}});
  auto all = load(grid, key, 40, 2s, 60);  // each takes longer than half a second
  ASSERT_TRUE(grid.wait_over(all, 100s));
  EXPECT_LE(most_at_once(all), 5);
  EXPECT_GE(most_at_once(all), 3) << "what gateways hold in reserve is not used, but it is little";
}

// The home of the books dies among them, whichever it is: every gateway does once.
TEST(Quota, StreamsAtOnceOverSixGatewaysWithControlDeadAndGatewaysDying) {
  WorldGrid grid(six());
  ASSERT_TRUE(grid.start());
  constexpr int kCap = 5;
  const std::string key = limited_key(grid, {{"concurrent_requests", kCap}});
  grid.world().kill("control/control");
  auto all = load(grid, key, 30, 60s, 60);
  for (const auto& site : kSix) {
    grid.world().run_for(5s);
    grid.world().kill(site + "/gateway");
    grid.world().run_for(3s);
    grid.restart_gateway(site);
  }
  ASSERT_TRUE(grid.wait_over(all, 200s));
  const int most = most_at_once(all);
  EXPECT_LE(most, kCap);
  EXPECT_GE(most, 3);
  say("streams at once", kCap, static_cast<std::uint64_t>(most));
  const auto served = std::count_if(all.begin(), all.end(), [](const auto& a) { return a->complete; });
  EXPECT_GT(served, 150) << "the limit is hardly used";
  EXPECT_GT(refusals(all)["429 rate_limit_exceeded"], 0);
}

}  // namespace
}  // namespace aigrid::world
