#include "format/inner/leases.h"

#include <gtest/gtest.h>

namespace aigrid::inner {
namespace {

TEST(Leases, RoundTrip) {
  grid::LeaseAsk ask;
  ask.scope = "key/k";
  ask.tenant = "acme";
  ask.holder = "gw";
  ask.epoch = 7;
  ask.limits.requests_per_minute = 60;
  ask.limits.spend_nano_per_month = 5;
  ask.used = {1, 2, 0, 4, 4};
  ask.reserved = {0, 100, 1, 50, 50};
  ask.want = {1, 9, 1, 3, 3};
  ask.gateways = 6;
  const auto asked = decode_lease_ask(encode(ask));
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->limits, ask.limits);
  EXPECT_EQ(asked->reserved, ask.reserved);
  EXPECT_EQ(encode(*asked), encode(ask));

  grid::LeaseAnswer answer;
  answer.granted = true;
  answer.lacking = grid::Quota::SpendDay;
  answer.spare = {10, 0, 2, 3, 0};
  answer.ttl_ms = 2000;
  answer.retry_ms = 1500;
  const auto answered = decode_lease_answer(encode(answer));
  ASSERT_TRUE(answered.ok());
  EXPECT_EQ(encode(*answered), encode(answer));

  grid::LeaseState state;
  state.scope = "key/k";
  state.version = 12;
  state.window = {{500, 3, 400}, {-200, 1, 0}};
  state.held = {{"gw", 7, {1, 2, 0, 4, 4}, {0, 100, 1, 50, 50}, {0, 0, 0, 1, 1}, 1400}};
  state.day = 20'000;
  state.day_spent = 9;
  const auto held = decode_lease_state(encode(state, 99));
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(held->written_ms, 99);
  EXPECT_EQ(encode(held->state, 99), encode(state, 99));
}

TEST(Leases, RefusesWhatWouldCount) {
  for (const char* bad : {"", "{}", R"({"scope":"s"})", R"({"scope":"s","holder":"h","used":{"requests":-1}})",
                          R"({"scope":"s","holder":"h","want":{"day":9223372036854775807}})",
                          R"({"scope":"s","holder":"h","limits":7})"}) {
    EXPECT_FALSE(decode_lease_ask(bad).ok()) << bad;
  }
  for (const char* bad : {"[]", R"({"lacking":5})", R"({"spare":{"tokens":-3}})", R"({"ttl_ms":99999999999999})"}) {
    EXPECT_FALSE(decode_lease_answer(bad).ok()) << bad;
  }
  for (const char* bad : {"{}", R"({"scope":"s","day_spent":-1})", R"({"scope":"s","window":[{"requests":-1}]})",
                          R"({"scope":"s","held":[{"held":{"tokens":-1}}]})"}) {
    EXPECT_FALSE(decode_lease_state(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace aigrid::inner
