#include "core/estimate/ttft.h"

#include <gtest/gtest.h>

#include <cmath>

namespace aigrid::estimate {
namespace {

const float kNan = std::nanf("");
const Rates kPrior{150, 60};

QueueReading queue(std::uint32_t slots, std::uint32_t free, float wait = kNan) {
  return {.wait_ms = wait, .slots = slots, .free_slots = free};
}

TEST(Ttft, FourBytesAToken) {
  EXPECT_EQ(tokens_of_bytes(0), 0U);
  EXPECT_EQ(tokens_of_bytes(1), 1U);
  EXPECT_EQ(tokens_of_bytes(400), 100U);
  EXPECT_EQ(tokens_of_bytes(~std::uint64_t{0} / 2), 0xffffffffU);
}

TEST(Ttft, PriorsStandInForWhatNobodyMeasured) {
  EXPECT_FLOAT_EQ(prefill_ms({150, 0}, rates(kNan, kNan, kPrior)), 1000);
  EXPECT_FLOAT_EQ(prefill_ms({150, 0}, rates(1500, kNan, kPrior)), 100);
  EXPECT_FLOAT_EQ(prefill_ms({150, 0}, rates(0, kNan, kPrior)), 1000) << "zero is no reading";
  EXPECT_FLOAT_EQ(prefill_ms({3, 0}, rates(kNan, kNan, {0, 0})), 3000) << "never a division by zero";
  EXPECT_FLOAT_EQ(service_ms({150, 60}, rates(kNan, kNan, kPrior)), 2000);
}

TEST(Ttft, WaitFollowsTheQueue) {
  EXPECT_FLOAT_EQ(wait_ms(queue(4, 1), 2000), 0);
  EXPECT_FLOAT_EQ(wait_ms(queue(4, 0), 2000), 500);
  EXPECT_FLOAT_EQ(wait_ms(queue(4, 0, 90), 2000), 90) << "its owner knows better";
}

TEST(Ttft, OwnRequestsCountAtOnce) {
  auto q = queue(4, 2, 0);
  q.own_inflight = 1;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 0);
  q.own_inflight = 2;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 500);
  q.own_inflight = 4;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 1500);
  q.free_slots = 0;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 2000);
}

TEST(Ttft, OldReportsArePessimistic) {
  auto q = queue(2, 1, 10);
  q.age = 900ms;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 10);
  q.age = 3s;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 10 + 0.5F * 2000);
  q.age = 6s;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 6000);
  q.free_slots = 2;
  q.age = 3s;
  EXPECT_FLOAT_EQ(wait_ms(q, 2000), 10) << "an idle place drifts nowhere";
}

}  // namespace
}  // namespace aigrid::estimate
