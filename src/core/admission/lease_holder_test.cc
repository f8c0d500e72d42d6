// What a gateway has borrowed, reserved and used of one scope.
#include "core/admission/lease_holder.h"

#include <gtest/gtest.h>

namespace aigrid::admission {
namespace {

constexpr auto kTokens = static_cast<std::size_t>(grid::Quota::Tokens);
constexpr auto kConcurrent = static_cast<std::size_t>(grid::Quota::Concurrent);
constexpr auto kSpend = static_cast<std::size_t>(grid::Quota::SpendDay);
constexpr Time kNow = Time{} + 1h;

// A holder that was lent all of a limit of 1000 tokens, 1000 spent a day and 5 at once.
class Lent {
 public:
  Lent() {
    grid::Limits limits;
    limits.tokens_per_minute = 1000;
    limits.spend_nano_per_day = 1000;
    limits.concurrent_requests = 5;
    holder.set_limits(limits);
    answer();
  }
  void answer() {
    grid::LeaseAnswer answer;
    answer.granted = true;
    answer.ttl_ms = 10'000;
    for (const auto q : {kTokens, kSpend}) answer.spare[q] = 1000;
    answer.spare[kConcurrent] = 5;
    holder.on_answer(answer, kNow, kNow);
  }
  LeaseHolder holder{"key/k", "paris", 1, LeaseTimes{}};
};

constexpr Need need(std::int64_t tokens, std::int64_t spend) { return {tokens, spend}; }

TEST(LeaseHolder, WhatIsKnownNotToBeNeededIsFreeForOthers) {
  Lent lent;
  ASSERT_TRUE(lent.holder.reserve(need(700, 600), kNow));
  EXPECT_FALSE(lent.holder.reserve(need(700, 300), kNow));
  const Need kept = lent.holder.lower(need(700, 600), need(150, 200));
  EXPECT_EQ(kept.tokens, 150);
  EXPECT_EQ(kept.spend_nano, 200);
  EXPECT_TRUE(lent.holder.reserve(need(850, 800), kNow));
  EXPECT_FALSE(lent.holder.reserve(need(1, 0), kNow)) << "not a token beyond";
  lent.holder.settle(kept, need(100, 150));
  EXPECT_TRUE(lent.holder.reserve(need(50, 50), kNow));
  const auto said = lent.holder.ask(nullptr, 1);
  EXPECT_EQ(said.used[kTokens], 100);
  EXPECT_EQ(said.reserved[kTokens], 900);
  EXPECT_EQ(said.reserved[kConcurrent], 2) << "the one that was lowered ran on until it was settled";
}

TEST(LeaseHolder, NothingIsEverRaised) {
  Lent lent;
  ASSERT_TRUE(lent.holder.reserve(need(300, 100), kNow));
  const Need kept = lent.holder.lower(need(300, 100), need(900, 50));
  EXPECT_EQ(kept.tokens, 300);
  EXPECT_EQ(kept.spend_nano, 50);
  EXPECT_FALSE(lent.holder.reserve(need(701, 0), kNow));
}

// The home was told the higher sum and counts the rest as taken: it must not be lent here as well.
TEST(LeaseHolder, WhileTheHomeIsAskedNothingIsFreedHere) {
  Lent lent;
  ASSERT_TRUE(lent.holder.reserve(need(700, 600), kNow));
  EXPECT_EQ(lent.holder.ask(nullptr, 1).reserved[kTokens], 700);
  (void)lent.holder.lower(need(700, 600), need(150, 200));
  grid::LeaseAnswer little;
  little.granted = true;
  little.ttl_ms = 10'000;
  little.spare[kTokens] = little.spare[kSpend] = 10;
  little.spare[kConcurrent] = 4;
  lent.holder.on_answer(little, kNow, kNow);
  EXPECT_FALSE(lent.holder.reserve(need(11, 0), kNow));
  EXPECT_EQ(lent.holder.ask(nullptr, 1).reserved[kTokens], 150) << "the next report frees it there";
}

}  // namespace
}  // namespace aigrid::admission
