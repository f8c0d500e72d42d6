#include "core/admission/lease_book.h"

#include <gtest/gtest.h>

#include <set>

#include "core/admission/refusal.h"

namespace aigrid::admission {
namespace {

constexpr WallTime kWall{std::chrono::seconds(1'763'769'600)};  // midnight of 2025-11-22 UTC

Time at(Duration d) { return Time{} + 1h + d; }

grid::LeaseAsk ask(const std::string& holder, const grid::Limits& limits, std::int64_t want) {
  grid::LeaseAsk out;
  out.scope = "key/k";
  out.holder = holder;
  out.epoch = 1;
  out.limits = limits;
  out.want[0] = want;
  out.gateways = 2;
  return out;
}

grid::Limits per_minute(std::uint32_t requests) {
  grid::Limits out;
  out.requests_per_minute = requests;
  return out;
}

TEST(LeaseBook, LendsASliceAndCountsItUntilItComesBack) {
  LeaseBook book({});
  const auto first = book.on_ask(ask("a", per_minute(40), 1), at(0s), kWall);
  ASSERT_TRUE(first.granted);
  EXPECT_EQ(first.spare[0], 10) << "a quarter: two slices for each of two gateways";
  EXPECT_EQ(first.free[0], 30);
  const auto second = book.on_ask(ask("b", per_minute(40), 1), at(0s), kWall);
  EXPECT_EQ(second.spare[0], 7);
  auto back = ask("a", per_minute(40), 0);
  back.used[0] = 4;
  const auto report = book.on_ask(back, at(1s), kWall);
  EXPECT_EQ(report.free[0], 40 - 4 - 7);
  EXPECT_EQ(report.spare[0], 0);
}

TEST(LeaseBook, RefusesWhatWouldPassTheLimitAndSaysWhenToComeBack) {
  LeaseBook book({});
  auto used = ask("a", per_minute(3), 1);
  used.used[0] = 3;
  const auto no = book.on_ask(used, at(0s), kWall);
  EXPECT_FALSE(no.granted);
  EXPECT_EQ(no.lacking, grid::Quota::Requests);
  EXPECT_EQ(no.free[0], 0);
  EXPECT_EQ(no.retry_ms, 20'000) << "a minute away, but never told to wait longer";
  EXPECT_GE(no.reset_ms[0], 60'000);
  EXPECT_FALSE(book.on_ask(used, at(59s), kWall).granted);
  EXPECT_TRUE(book.on_ask(used, at(62s), kWall).granted);
}

TEST(LeaseBook, WhatASilentHolderHadCountsUntilItSaysWhatItWas) {
  LeaseBook book({});
  grid::Limits limits;
  limits.spend_nano_per_day = 1000;
  limits.concurrent_requests = 2;
  auto first = ask("a", limits, 1);
  first.want = {0, 0, 2, 600, 0};
  EXPECT_TRUE(book.on_ask(first, at(0s), kWall).granted);
  auto other = ask("b", limits, 0);
  other.want = {0, 0, 1, 500, 0};
  EXPECT_EQ(book.on_ask(other, at(1s), kWall).lacking, grid::Quota::Concurrent);
  other.want[2] = 0;
  EXPECT_EQ(book.on_ask(other, at(1s), kWall).lacking, grid::Quota::SpendDay);
  other.want = {0, 0, 2, 400, 0};
  EXPECT_TRUE(book.on_ask(other, at(10s), kWall).granted) << "its streams are gone, its money is not";
  auto late = ask("a", limits, 0);
  late.used[3] = 100;
  const auto told = book.on_ask(late, at(11s), kWall);
  EXPECT_EQ(told.free[3], 1000 - 600 - 400) << "what was written off is not counted twice, and stays written off";
  late.used[3] = 700;
  EXPECT_EQ(book.on_ask(late, at(12s), kWall).free[3], 0) << "it used more than was lent: that counts";
}

TEST(LeaseBook, AHolderThatWasQuietForLongIsNotCountedTwice) {
  LeaseBook book({});
  auto morning = ask("a", per_minute(40), 0);
  morning.used[0] = 30;
  EXPECT_EQ(book.on_ask(morning, at(0s), kWall).free[0], 10);
  const auto noon = book.on_ask(ask("b", per_minute(40), 0), at(3h), kWall + 3h);
  EXPECT_EQ(noon.free[0], 40);
  morning.used[0] = 31;
  EXPECT_EQ(book.on_ask(morning, at(3h), kWall + 3h).free[0], 39) << "one more than in the morning";
}

TEST(LeaseBook, DaysAndMonthsBeginAnew) {
  LeaseBook book({});
  grid::Limits limits;
  limits.spend_nano_per_day = 100;
  limits.spend_nano_per_month = 150;
  auto spent = ask("a", limits, 0);
  spent.used = {0, 0, 0, 100, 100};
  EXPECT_EQ(book.on_ask(spent, at(0s), kWall).free[3], 0);
  spent.want = {0, 0, 0, 20, 20};
  EXPECT_EQ(book.on_ask(spent, at(1s), kWall).lacking, grid::Quota::SpendDay);
  const auto next_day = book.on_ask(spent, at(2s), kWall + 24h);
  EXPECT_TRUE(next_day.granted);
  spent.used = {0, 0, 0, 150, 150};
  EXPECT_EQ(book.on_ask(spent, at(3s), kWall + 48h).lacking, grid::Quota::SpendMonth);
  EXPECT_TRUE(book.on_ask(spent, at(4s), kWall + 24h * 9).granted) << "December";
}

TEST(LeaseBook, ASuccessorKnowsWhatWasLent) {
  LeaseBook home({});
  auto first = ask("a", per_minute(8), 4);
  first.used[0] = 2;
  EXPECT_TRUE(home.on_ask(first, at(0s), kWall).granted);
  LeaseBook successor({});
  successor.load(home.state("key/k", at(1s)), 0s, at(500s));  // its own clock
  EXPECT_EQ(successor.version(), home.version());
  successor.begin_term(at(500s));
  EXPECT_GT(successor.version(), home.version() + 1'000'000) << "whatever the old home did since is older";
  EXPECT_FALSE(successor.on_ask(ask("b", per_minute(8), 3), at(500s), kWall).granted);
  EXPECT_TRUE(successor.on_ask(ask("b", per_minute(8), 2), at(500s), kWall).granted);
}

TEST(LeaseBook, AfterARestartTheAgesGoOn) {
  LeaseBook before({});
  auto used = ask("a", per_minute(3), 0);
  used.used[0] = 3;
  (void)before.on_ask(used, at(0s), kWall);
  LeaseBook after({});
  after.load(before.state("key/k", at(0s)), 30s, at(100s));
  EXPECT_FALSE(after.on_ask(ask("b", per_minute(3), 1), at(125s), kWall).granted);
  EXPECT_TRUE(after.on_ask(ask("b", per_minute(3), 1), at(132s), kWall).granted);
}

TEST(Homes, MoveOnlyWhatWasAtTheGatewayThatWent) {
  const std::vector<std::string> all = {"a", "b", "c", "d", "e", "f"};
  std::set<std::string> used;
  for (int i = 0; i < 600; ++i) {
    const std::string scope = "key/" + std::to_string(i);
    const Homes before = homes_of(scope, all);
    used.insert(before.home);
    std::vector<std::string> fewer = all;
    std::erase(fewer, "c");
    const Homes after = homes_of(scope, fewer);
    EXPECT_EQ(after.home, before.home == "c" ? before.successor : before.home);
  }
  EXPECT_EQ(used.size(), all.size());
  EXPECT_TRUE(homes_of("x", {}).home.empty());
  EXPECT_TRUE(homes_of("x", {"a"}).successor.empty());
}

TEST(Refusal, SaysLimitRestAndWhatToDo) {
  grid::LeaseAnswer answer;
  answer.lacking = grid::Quota::Tokens;
  answer.free[1] = 50;
  answer.retry_ms = 7400;
  grid::Limits limits;
  limits.tokens_per_minute = 1000;
  const Refused tokens = refusal("project/chat", limits, answer, {200, 0});
  EXPECT_EQ(tokens.code, "rate_limit_exceeded");
  EXPECT_EQ(tokens.retry_after_s, 8);
  EXPECT_EQ(
      tokens.message,
      "project \"chat\" may use 1000 (tokens_per_minute) over all gateways, 50 are left and this request may need "
      "200: wait as Retry-After says, or ask for less");
  answer.lacking = grid::Quota::SpendMonth;
  answer.retry_ms = 99'000;
  limits.spend_nano_per_month = 10;
  const Refused spend = refusal("key/abc", limits, answer, {200, 500});
  EXPECT_EQ(spend.code, "insufficient_quota");
  EXPECT_EQ(spend.retry_after_s, 20);
  EXPECT_NE(spend.message.find("this key may use 10"), std::string::npos);
}

TEST(Refusal, HeadersAreOfTheTightestScope) {
  QuotaView key{per_minute(60), {7, 0, 0, 0, 0}, {1500, 0, 0, 0, 0}};
  QuotaView tenant{per_minute(600), {3, 0, 0, 0, 0}, {61'000, 0, 0, 0, 0}};
  const std::vector<std::pair<std::string, std::string>> want = {{"x-ratelimit-limit-requests", "600"},
                                                                 {"x-ratelimit-remaining-requests", "3"},
                                                                 {"x-ratelimit-reset-requests", "1m1s"}};
  EXPECT_EQ(headers({key, tenant}), want);
  EXPECT_TRUE(headers({}).empty());
  EXPECT_EQ(duration_text(12), "12ms");
  EXPECT_EQ(duration_text(1500), "1.5s");
  EXPECT_EQ(duration_text(360'000), "6m0s");
}

}  // namespace
}  // namespace aigrid::admission
