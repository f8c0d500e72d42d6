#include "core/ledger/settlement.h"

#include <gtest/gtest.h>

#include <limits>

namespace aigrid::ledger {
namespace {

grid::Record record() {
  grid::Record r;
  r.request_id = "r";
  r.outcome = grid::Outcome::Finished;
  r.terms = {"list", "EUR", 100, 400, "a", 0};
  grid::AttemptRecord lost{1, "s1", "n1", "node_lost", {5, 0, 0}, 0, false, false, "c", 9, 0};
  grid::AttemptRecord served{2, "s2", "n2", "ok", {5, 10, 0}, 10, false, false, "b", 20, 50'000};
  r.attempts = {lost, served};
  return r;
}

TEST(Settlement, TheSellerOwesTheOperatorThatServedItsTenant) {
  const auto r = record();
  const auto owed = debts(r, rate(r));
  ASSERT_EQ(owed.size(), 1U) << "an operator whose node was lost bears that itself";
  EXPECT_EQ(owed[0].debtor, "a");
  EXPECT_EQ(owed[0].creditor, "b");
  EXPECT_EQ(owed[0].cost_nano, 15 * 20);
  EXPECT_EQ(owed[0].margin_ppm, 50'000);
  EXPECT_EQ(owed_nano(owed[0].cost_nano, owed[0].margin_ppm), 315);
}

TEST(Settlement, NobodyOwesItself) {
  auto r = record();
  r.terms.operator_name = "b";
  EXPECT_TRUE(debts(r, rate(r)).empty());
  r.terms.operator_name.clear();
  EXPECT_TRUE(debts(r, rate(r)).empty());
}

TEST(Settlement, AFreeTenantIsAtItsSellersExpense) {
  auto r = record();
  r.terms.price_book.clear();
  ASSERT_EQ(debts(r, rate(r)).size(), 1U);
}

TEST(Settlement, WhatANodeForgedIsNotOwed) {
  auto r = record();
  r.attempts[1].usage.completion_tokens = 100;
  EXPECT_EQ(debts(r, rate(r)).at(0).cost_nano, 15 * 20);
}

TEST(Settlement, RoundsHalfToEvenOnceAndSaturates) {
  EXPECT_EQ(owed_nano(1, 500'000), 2);  // 1.5
  EXPECT_EQ(owed_nano(5, 100'000), 6);  // 5.5 → 6
  EXPECT_EQ(owed_nano(3, 500'000), 4);  // 4.5 → 4
  EXPECT_EQ(owed_nano(1, 400'000), 1);
  EXPECT_EQ(owed_nano(std::numeric_limits<std::int64_t>::max(), 1), std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace aigrid::ledger
