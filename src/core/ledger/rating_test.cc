#include "core/ledger/rating.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <limits>

#include "core/ledger/orphan.h"

namespace aigrid::ledger {
namespace {

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

grid::AttemptRecord attempt(std::uint32_t number, std::uint64_t prompt, std::uint64_t completion, std::uint64_t heard) {
  grid::AttemptRecord a;
  a.number = number;
  a.site = "s" + std::to_string(number);
  a.node = "n" + std::to_string(number);
  a.usage = {prompt, completion, 0};
  a.heard_tokens = heard;
  a.cost_nano = 10;
  return a;
}

grid::Record record(grid::Outcome outcome, std::vector<grid::AttemptRecord> attempts) {
  grid::Record r;
  r.request_id = "req_g_1_1";
  r.outcome = outcome;
  r.terms = {"list", "EUR", 100, 400, "", 0};
  r.attempts = std::move(attempts);
  return r;
}

struct Sums {
  std::uint64_t prompt = 0;
  std::uint64_t completion = 0;
};

Sums sum(const Charge& charge, Bucket bucket) {
  Sums out;
  for (const auto& l : charge.lines) {
    if (l.bucket != bucket) continue;
    out.prompt += l.prompt_tokens;
    out.completion += l.completion_tokens;
  }
  return out;
}

TEST(Rating, AFinishedRequestIsBilledExactly) {
  const Charge c = rate(record(grid::Outcome::Finished, {attempt(1, 7, 3, 3)}));
  ASSERT_EQ(c.lines.size(), 1U);
  EXPECT_EQ(c.lines[0].bucket, Bucket::Billed);
  EXPECT_EQ(c.lines[0].bearer, Bearer::Tenant);
  EXPECT_EQ(c.price_nano, 7 * 100 + 3 * 400);
  EXPECT_EQ(c.cost_nano, 10 * 10);
  EXPECT_EQ(c.id, "req_g_1_1");
  EXPECT_TRUE(c.suspect.empty());
}

TEST(Rating, ARetryIsAtTheExpenseOfThePlaceThatFailed) {
  const Charge c = rate(record(grid::Outcome::Finished, {attempt(1, 7, 2, 2), attempt(2, 7, 3, 3)}));
  EXPECT_EQ(sum(c, Bucket::Retry).prompt, 7U);
  EXPECT_EQ(sum(c, Bucket::Retry).completion, 2U);
  EXPECT_EQ(c.price_nano, 7 * 100 + 3 * 400);
  EXPECT_EQ(c.lines[0].bearer, Bearer::Site);
}

TEST(Rating, AHedgeLoserIsWaived) {
  auto loser = attempt(1, 7, 2, 2);
  loser.hedge = true;
  const Charge c = rate(record(grid::Outcome::Finished, {loser, attempt(2, 7, 3, 3)}));
  EXPECT_EQ(sum(c, Bucket::HedgeLoser).completion, 2U);
  EXPECT_EQ(sum(c, Bucket::Billed).completion, 3U);
  auto third = attempt(3, 10, 1, 1);  // the answer goes on elsewhere, but not from what the loser made
  third.resumes = true;
  const Charge later = rate(record(grid::Outcome::Finished, {loser, attempt(2, 7, 3, 3), third}));
  EXPECT_EQ(sum(later, Bucket::HedgeLoser).completion, 2U);
  EXPECT_EQ(sum(later, Bucket::Billed).completion, 4U);
}

TEST(Rating, AnAnswerThatGoesOnElsewhereIsOneBill) {
  auto second = attempt(2, 12, 5, 5);  // prompt 7 and the five delivered tokens, read again
  second.resumes = true;
  const Charge c = rate(record(grid::Outcome::Finished, {attempt(1, 0, 0, 5), second}));
  EXPECT_EQ(sum(c, Bucket::Billed).prompt, 12U) << "the lost node could not say what it read; nothing is billed twice";
  EXPECT_EQ(sum(c, Bucket::Billed).completion, 10U);
  auto known = record(grid::Outcome::Finished, {attempt(1, 7, 6, 5), second});
  const Charge k = rate(known);
  EXPECT_EQ(sum(k, Bucket::Billed).prompt, 7U);
  EXPECT_EQ(sum(k, Bucket::ResumePrefill).prompt, 12U);
  EXPECT_EQ(sum(k, Bucket::Billed).completion, 10U);
  EXPECT_EQ(sum(k, Bucket::Retry).completion, 1U) << "made, never delivered";
}

TEST(Rating, APlaceThatWasAskedInVainChangesNoBill) {
  auto moved_not = record(grid::Outcome::Finished, {attempt(1, 7, 3, 3), attempt(2, 0, 0, 0)});
  moved_not.attempts[0].result = "ok";
  moved_not.attempts[1].result = "refused";
  EXPECT_EQ(rate(moved_not).price_nano, 7 * 100 + 3 * 400);
  auto resumed = record(grid::Outcome::Finished, {attempt(1, 0, 0, 5), attempt(2, 0, 0, 0), attempt(3, 12, 4, 4)});
  resumed.attempts[0].result = "node_lost";
  resumed.attempts[1].result = "refused";
  resumed.attempts[2].result = "ok";
  resumed.attempts[2].resumes = true;
  EXPECT_EQ(sum(rate(resumed), Bucket::Billed).completion, 5U + 4U);
}

TEST(Rating, AClientThatLeavesWhileItsAnswerMovesPaysWhatItGot) {
  auto asked = attempt(2, 0, 0, 0);
  asked.resumes = true;
  for (const char* how : {"refused", "given up"}) {
    auto r = record(grid::Outcome::ClientGone, {attempt(1, 7, 9, 7), asked});
    r.attempts[0].result = "cancelled";
    r.attempts[1].result = how;
    EXPECT_EQ(rate(r).price_nano, 7 * 100 + 7 * 400);
    EXPECT_EQ(sum(rate(r), Bucket::CancelTail).completion, 2U) << "it is the one that answered";
  }
  asked.usage = {14, 0, 0};  // it had read the prompt and what was delivered
  const Charge c = rate(record(grid::Outcome::ClientGone, {attempt(1, 7, 7, 7), asked}));
  EXPECT_EQ(c.price_nano, 7 * 100 + 7 * 400);
}

TEST(Rating, ALongAnswerThatGoesOnIsNotSuspect) {
  auto second = attempt(2, 7 + 5000, 300, 300);
  second.resumes = true;
  auto r = record(grid::Outcome::Finished, {attempt(1, 7, 5000, 5000), second});
  r.terms.prompt_most = 2100;
  EXPECT_EQ(rate(r).suspect, "");
  EXPECT_EQ(sum(rate(r), Bucket::ResumePrefill).prompt, 5007U);
  r.attempts[1].usage.prompt_tokens = 7200;
  EXPECT_NE(rate(r).suspect, "") << "more than the body and what was delivered can be";
  EXPECT_EQ(sum(rate(r), Bucket::PlatformError).prompt, 100U);
}

TEST(Rating, AClientThatLeavesPaysWhatReachedTheIngress) {
  const Charge c = rate(record(grid::Outcome::ClientGone, {attempt(1, 7, 30, 20)}));
  EXPECT_EQ(sum(c, Bucket::Billed).completion, 20U);
  EXPECT_EQ(sum(c, Bucket::CancelTail).completion, 10U);
  EXPECT_TRUE(c.suspect.empty());
}

TEST(Rating, AFailedRequestCostsNothing) {
  for (const auto outcome : {grid::Outcome::Failed, grid::Outcome::TimedOut, grid::Outcome::IngressLost}) {
    const Charge c = rate(record(outcome, {attempt(1, 7, 30, 20)}));
    EXPECT_EQ(c.price_nano, 0);
    EXPECT_EQ(sum(c, Bucket::PlatformError).completion, 30U);
    EXPECT_EQ(c.lines.at(0).bearer, outcome == grid::Outcome::Failed ? Bearer::Site : Bearer::Seller);
  }
  auto cut = record(grid::Outcome::Failed, {attempt(1, 7, 30, 20)});
  cut.code = "policy_cut";
  EXPECT_EQ(sum(rate(cut), Bucket::PolicyCut).completion, 30U);
}

TEST(Orphan, IsClosedWithWhatTheNodesSayAndCostsItsTenantNothing) {
  grid::AgentRecord first;
  first.source = "n1";
  first.request_id = "req_g_1_1";
  first.attempt = 1;
  first.tenant = "acme";
  first.site = "paris";
  first.finish = "abandoned";
  first.usage = {7, 3, 0};
  first.ended_unix_ms = 5000;
  first.wall_us = 2'000'000;
  grid::AgentRecord second = first;
  second.source = "n2";
  second.attempt = 2;
  second.usage = {10, 4, 0};
  second.ended_unix_ms = 6000;
  const grid::Record closed = close_orphan({second, first});
  EXPECT_EQ(closed.outcome, grid::Outcome::IngressLost);
  EXPECT_EQ(closed.tenant, "acme");
  EXPECT_EQ(closed.node, "n2");
  EXPECT_EQ(closed.received_unix_ms, 3000);
  EXPECT_EQ(closed.total_us, 3'000'000);
  ASSERT_EQ(closed.attempts.size(), 2U);
  const Charge c = rate(closed);
  EXPECT_EQ(c.price_nano, 0);
  EXPECT_EQ(sum(c, Bucket::PlatformError).prompt, 17U);
  EXPECT_EQ(sum(c, Bucket::PlatformError).completion, 7U);
}

TEST(Rating, WithoutAPriceTheTokensAreFree) {
  auto r = record(grid::Outcome::Finished, {attempt(1, 7, 3, 3)});
  r.terms.price_book.clear();
  const Charge c = rate(r);
  EXPECT_EQ(c.price_nano, 0);
  EXPECT_EQ(sum(c, Bucket::FreeTier).completion, 3U);
}

TEST(Rating, ANodeThatCountsTenTimesTooMuchChangesNoBill) {
  const auto honest = rate(record(grid::Outcome::Finished, {attempt(1, 7, 30, 30)}));
  const auto forged = rate(record(grid::Outcome::Finished, {attempt(1, 7, 300, 30)}));
  EXPECT_EQ(forged.price_nano, honest.price_nano);
  EXPECT_FALSE(forged.suspect.empty());
  EXPECT_EQ(sum(forged, Bucket::PlatformError).completion, 270U);
  auto prompt = record(grid::Outcome::Finished, {attempt(1, 9000, 30, 30)});
  prompt.terms.prompt_most = 900;
  EXPECT_EQ(sum(rate(prompt), Bucket::Billed).prompt, 900U);
  EXPECT_FALSE(rate(prompt).suspect.empty());
}

TEST(Rating, TheEndOfATurnIsNoForgery) {
  const Charge c = rate(record(grid::Outcome::Finished, {attempt(1, 7, 31, 30)}));
  EXPECT_TRUE(c.suspect.empty());
  EXPECT_EQ(sum(c, Bucket::Billed).completion, 31U);
}

TEST(Rating, SaturatesInsteadOfWrapping) {
  auto r = record(grid::Outcome::Finished, {attempt(1, std::numeric_limits<std::uint64_t>::max(), 1, 1)});
  r.terms.input_nano = kMost;
  EXPECT_EQ(rate(r).price_nano, kMost);
  EXPECT_EQ(saturating_add(kMost, 1), kMost);
}

TEST(Rating, TenMillionTinyRequestsLoseNothingToRounding) {
  auto r = record(grid::Outcome::Finished, {attempt(1, 1, 0, 0)});
  r.terms.input_nano = 1;
  std::int64_t sum = 0;
  const std::int64_t one = rate(r).price_nano;
  for (int i = 0; i < 10'000'000; ++i) sum = saturating_add(sum, one);
  EXPECT_EQ(sum, 10'000'000);
}

grid::Record any_record() {
  const auto count = *rc::gen::inRange(0, 5);
  std::vector<grid::AttemptRecord> attempts;
  for (int i = 1; i <= count; ++i) {
    const auto small = rc::gen::inRange<std::uint64_t>(0, 400);
    auto a = attempt(static_cast<std::uint32_t>(i), *small, *small, *small);
    a.hedge = *rc::gen::inRange(0, 4) == 0;
    a.resumes = i > 1 && *rc::gen::inRange(0, 3) == 0;
    attempts.push_back(a);
  }
  auto r = record(static_cast<grid::Outcome>(*rc::gen::inRange(0, 6)), attempts);
  if (*rc::gen::inRange(0, 4) == 0) r.terms.price_book.clear();
  r.terms.prompt_most = *rc::gen::element<std::uint64_t>(0, 100, 1000);
  return r;
}

TEST(Rating, EveryTokenEndsInOneLineAndTheOrderOfAttemptsDoesNotMatter) {
  EXPECT_TRUE(rc::check("conservation", [] {
    const grid::Record r = any_record();
    const Charge c = rate(r);
    std::uint64_t made = 0, lines = 0;
    __int128 price = 0;
    for (const auto& a : r.attempts)
      made += a.usage.prompt_tokens + std::max(a.usage.completion_tokens, a.heard_tokens);
    for (const auto& l : c.lines) {
      lines += l.prompt_tokens + l.completion_tokens;
      price += l.price_nano;
      RC_ASSERT((l.bucket == Bucket::Billed) == (l.bearer == Bearer::Tenant));
    }
    RC_ASSERT(made == lines);
    RC_ASSERT(price == c.price_nano);
    grid::Record turned = r;
    std::reverse(turned.attempts.begin(), turned.attempts.end());
    RC_ASSERT(rate(turned).price_nano == c.price_nano);
    RC_ASSERT(rate(turned).lines.size() == c.lines.size());
    if (r.outcome != grid::Outcome::Finished && r.outcome != grid::Outcome::ClientGone) RC_ASSERT(c.price_nano == 0);
  }));
}

}  // namespace
}  // namespace aigrid::ledger
