#include "format/inner/records.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

namespace aigrid::inner {
namespace {

grid::Record sample() {
  grid::Record r;
  r.source = "gw-paris";
  r.epoch = 3;
  r.sequence = 12;
  r.request_id = "req";
  r.tenant = "mairie";
  r.outcome = grid::Outcome::TimedOut;
  r.code = "no_capacity";
  r.status = 503;
  r.tier = "realtime";
  r.usage = {10, 20, 3};
  r.charge_nano = 7;
  r.terms = {"list", "EUR", 20, 80, "op", 4000};
  r.asked = {{"fr", "eu"}, 2, {"gdpr"}, {"lyon"}, {"paris"}};
  r.received_unix_ms = 1'790'000'000'123;
  r.attempts = {{1, "paris", "n1", "node_lost", {1, 2, 0}, 2, true, false, "op", 31, 0},
                {2, "lyon", "n2", "ok", {9, 18, 3}, 18, false, true, "other", 29, 50'000}};
  return r;
}

TEST(Records, RoundTrips) {
  EXPECT_TRUE(rc::check("record", [] {
    grid::Record r = sample();
    r.epoch = *rc::gen::inRange<std::uint64_t>(1, ~std::uint64_t{0});
    r.sequence = *rc::gen::arbitrary<std::uint64_t>();
    r.charge_nano = *rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max());
    r.ttft_us = *rc::gen::arbitrary<std::int64_t>();
    r.outcome = static_cast<grid::Outcome>(*rc::gen::inRange(0, 6));
    const auto line = encode(r);
    RC_ASSERT(line.find('\n') == line.size() - 1);
    const auto back = decode_record(line);
    RC_ASSERT(back.ok());
    RC_ASSERT(back->sequence == r.sequence);
    RC_ASSERT(back->outcome == r.outcome);
    RC_ASSERT(encode(*back) == line);
  }));
}

TEST(Records, KeepsWhatTheRequestItselfAskedFor) {
  const auto back = decode_record(encode(sample()));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->asked.zones, (std::vector<std::string>{"fr", "eu"}));
  EXPECT_EQ(back->asked.data_level, 2U);
  EXPECT_EQ(back->asked.regimes, std::vector<std::string>{"gdpr"});
  EXPECT_EQ(back->asked.only_sites, std::vector<std::string>{"lyon"});
  EXPECT_EQ(back->asked.ignore_sites, std::vector<std::string>{"paris"});
  grid::Record plain = sample();
  plain.asked = {};
  EXPECT_EQ(encode(plain).find("asked"), std::string::npos);
  EXPECT_TRUE(decode_record(encode(plain))->asked.zones.empty());
}

TEST(Records, KeepsAttempts) {
  const auto back = decode_record(encode(sample()));
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->attempts.size(), 2U);
  EXPECT_EQ(back->attempts[0].result, "node_lost");
  EXPECT_EQ(back->attempts[1].usage.completion_tokens, 18U);
  EXPECT_EQ(back->usage.cached_tokens, 3U);
  EXPECT_EQ(back->tier, "realtime");
  EXPECT_TRUE(back->attempts[0].hedge);
  EXPECT_TRUE(back->attempts[1].resumes);
  EXPECT_EQ(back->attempts[1].heard_tokens, 18U);
  EXPECT_EQ(back->attempts[1].margin_ppm, 50'000);
  EXPECT_EQ(back->terms.output_nano, 80);
  EXPECT_EQ(back->terms.prompt_most, 4000U);
}

TEST(Records, RefusesWhatIsNone) {
  for (const char* line : {"", "{}", "[]", R"({"source":"g","epoch":1})", R"({"source":"g","epoch":1,"outcome":"won"})",
                           R"({"source":"g","epoch":-1,"outcome":"failed"})",
                           R"({"source":"g","epoch":1,"outcome":"failed","attempts":[1]})",
                           R"({"source":"g","epoch":1,"outcome":"failed","usage":{"prompt_tokens":-2}})",
                           R"({"source":"g","epoch":1,"outcome":"failed","charge_nano":-1})",
                           R"({"source":"g","epoch":1,"outcome":"failed","terms":{"input_nano":-5}})",
                           R"({"source":"g","epoch":1,"outcome":"failed","attempts":[{"number":1,"cost_nano":-5}]})",
                           R"({"source":"","epoch":1,"outcome":"failed"})"}) {
    EXPECT_FALSE(decode_record(line).ok()) << line;
  }
}

TEST(Records, AnAgentsRecordKeepsEveryMember) {
  grid::AgentRecord r{
      "n1",    2,           9,          "req_a", 3, "mairie",          "web", "key1", "m", "chat.completions", "d",
      "paris", "cancelled", {40, 5, 8}, true,    4, 1'790'000'000'123, 77};
  const std::string line = encode(r);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto back = decode_agent_record(line);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(encode(*back), line);
  EXPECT_EQ(back->usage.cached_tokens, 8U);
  EXPECT_EQ(back->wall_us, 77);
  EXPECT_EQ(back->resume_count, 4U);
  EXPECT_TRUE(back->estimated);
  EXPECT_EQ(back->deployment, "d");
}

TEST(Records, AnAgentsRecordAndAGatewaysAreNotTakenForEachOther) {
  EXPECT_FALSE(decode_agent_record(encode(sample())).ok());
  EXPECT_FALSE(decode_agent_record(R"({"kind":"attempt","source":"n","epoch":1,"sequence":0,"request_id":"r"})").ok());
  EXPECT_FALSE(decode_agent_record(R"({"kind":"attempt","source":"n","epoch":1,"sequence":1})").ok());
  grid::AgentRecord agents;
  agents.source = "n";
  agents.epoch = agents.sequence = 1;
  EXPECT_FALSE(decode_record(encode(agents)).ok());
}

}  // namespace
}  // namespace aigrid::inner
