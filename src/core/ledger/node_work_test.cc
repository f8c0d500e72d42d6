#include "core/ledger/node_work.h"

#include <gtest/gtest.h>

#include "core/ledger/engine_account.h"
#include "core/ledger/rating.h"
#include "core/ledger/terms.h"

namespace aigrid::ledger {
namespace {

grid::AgentRecord attempt(std::uint64_t prompt, std::uint64_t completion) {
  grid::AgentRecord out;
  out.source = "n1";
  out.epoch = 3;
  out.sequence = 9;
  out.request_id = "r1";
  out.attempt = 2;
  out.tenant = "acme";
  out.site = "paris";
  out.finish = "cancelled";
  out.usage = {prompt, completion, 0};
  return out;
}

grid::Record terminal(std::uint64_t prompt, std::uint64_t completion, std::uint64_t heard) {
  grid::Record out;
  out.request_id = "r1";
  out.outcome = grid::Outcome::ClientGone;
  grid::AttemptRecord a;
  a.number = 2;
  a.node = "n1";
  a.usage = {prompt, completion, 0};
  a.heard_tokens = heard;
  out.attempts.push_back(a);
  return out;
}

TEST(EngineAccount, GivesWhatNoRecordHasOnce) {
  EngineAccount account;
  account.wrote({10, 1, 0});
  EXPECT_EQ(account.unclaimed({10, 1, 0}).prompt_tokens, 0U);
  account.wrote({20, 4, 0});
  const auto tail = account.unclaimed({30, 8, 0});
  EXPECT_EQ(tail.prompt_tokens, 0U);
  EXPECT_EQ(tail.completion_tokens, 3U);
  EXPECT_EQ(account.unclaimed({30, 8, 0}).completion_tokens, 0U);
}

TEST(EngineAccount, AnEngineThatCountsLessOwesTheDifference) {
  EngineAccount account;
  account.wrote({50, 0, 0});
  EXPECT_EQ(account.unclaimed({40, 0, 0}).prompt_tokens, 0U);
  EXPECT_EQ(account.unclaimed({50, 2, 0}).prompt_tokens, 0U);
  EXPECT_EQ(account.unclaimed({51, 2, 0}).prompt_tokens, 1U);
}

TEST(EngineAccount, ARestartBeginsAtZero) {
  EngineAccount account;
  account.wrote({50, 5, 0});
  account.restarted();
  account.wrote({7, 1, 0});
  EXPECT_EQ(account.unclaimed({9, 1, 0}).prompt_tokens, 2U);
}

TEST(NodeWork, ProbesAndTailsAreWaivedAtTheSitesExpense) {
  for (const char* finish : {kProbe, kUnclaimed}) {
    auto work = attempt(6, 1);
    work.finish = finish;
    ASSERT_TRUE(of_no_request(work));
    const auto record = record_of(work);
    EXPECT_EQ(record.tenant, kPlatformTenant);
    EXPECT_EQ(record.source, "agent:n1");
    EXPECT_EQ(record.sequence, 9U);
    const auto charge = rate(record);
    ASSERT_EQ(charge.lines.size(), 1U);
    EXPECT_EQ(charge.lines[0].bucket, finish == kProbe ? Bucket::Probe : Bucket::CancelTail);
    EXPECT_EQ(charge.lines[0].bearer, Bearer::Site);
    EXPECT_EQ(charge.lines[0].prompt_tokens, 6U);
    EXPECT_EQ(charge.price_nano, 0);
  }
}

TEST(NodeWork, ShortfallIsWhatTheIngressNeverHeardOf) {
  EXPECT_FALSE(shortfall(terminal(8, 5, 5), attempt(8, 5)));
  EXPECT_FALSE(shortfall(terminal(8, 0, 6), attempt(8, 5)));  // a node that says less changes nothing
  const auto more = shortfall(terminal(8, 3, 3), attempt(8, 5));
  ASSERT_TRUE(more);
  EXPECT_EQ(more->request_id, "r1/2");
  EXPECT_EQ(more->attempts.at(0).usage.completion_tokens, 2U);
  EXPECT_EQ(rate(*more).lines.at(0).bucket, Bucket::CancelTail);
  auto nameless = terminal(8, 5, 5);
  nameless.attempts[0].node.clear();
  EXPECT_FALSE(shortfall(nameless, attempt(8, 5)));
  auto elsewhere = terminal(8, 5, 5);
  elsewhere.attempts[0].number = 1;
  auto unknown = attempt(8, 5);
  unknown.finish = "stop";
  const auto all = shortfall(elsewhere, unknown);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->attempts.at(0).usage.prompt_tokens, 8U);
  EXPECT_EQ(rate(*all).lines.at(0).bucket, Bucket::Retry);
}

}  // namespace
}  // namespace aigrid::ledger
