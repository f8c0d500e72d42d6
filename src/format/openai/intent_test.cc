#include "format/openai/intent.h"

#include <gtest/gtest.h>

namespace aigrid::openai {
namespace {

TEST(IntentHeader, Reads) {
  grid::Intent i;
  ASSERT_FALSE(parse_intent_header(R"(zone="fr", ttft-ms=30;require, sort=latency, fallback=?0, max-price=1.5)", i));
  EXPECT_EQ(i.zones, std::vector<std::string>{"fr"});
  EXPECT_EQ(i.max_ttft_ms, 30);
  EXPECT_TRUE(i.require_ttft);
  EXPECT_EQ(i.sort, grid::Sort::Latency);
  EXPECT_FALSE(i.allow_fallbacks);
  EXPECT_EQ(i.max_price_nano, 1500);
  ASSERT_FALSE(parse_intent_header(R"(zone=("fr" eu),only=paris , ignore=("a" "b"),trace, dry-run=?1)", i));
  EXPECT_EQ(i.zones, (std::vector<std::string>{"fr", "eu"}));
  EXPECT_EQ(i.ignore_sites.size(), 2U);
  EXPECT_TRUE(i.trace && i.dry_run);
  EXPECT_FALSE(parse_intent_header("", i));
}

TEST(IntentHeader, RefusesAndLeavesTheIntentAlone) {
  for (const char* text : {"zone",
                           "zone=",
                           "zone=\"fr",
                           "zone=()",
                           "zone=\"\"",
                           "zone=5",
                           "ttft-ms=abc",
                           "ttft-ms=-1",
                           "ttft-ms=1e3",
                           "ttft-ms=30;maybe",
                           "sort=throughput",
                           "fallback=no",
                           "fallback=?2",
                           "colour=red",
                           "zone=fr sort=price",
                           "zone=fr,",
                           "Zone=fr",
                           ",",
                           "=",
                           "zone=(\"fr\"",
                           "zone=fr, zone=eu",
                           "data-level=3, sort=price, data-level=0",
                           "max-price=99999999999",
                           "zone=\"a\\"}) {
    grid::Intent i;
    i.zones = {"eu"};
    const auto error = parse_intent_header(text, i);
    ASSERT_TRUE(error) << text;
    EXPECT_EQ(error->status, 400);
    EXPECT_EQ(i.zones, std::vector<std::string>{"eu"}) << text;
  }
}

TEST(Intent, ATierIsOneOfFour) {
  grid::Intent out;
  EXPECT_FALSE(parse_intent_header("tier=realtime", out));
  EXPECT_EQ(out.tier, grid::Tier::Realtime);
  EXPECT_FALSE(parse_intent_header("tier=\"batch\"", out));
  EXPECT_EQ(out.tier, grid::Tier::Batch);
  for (const char* bad : {"tier=urgent", "tier", "tier=(realtime batch)", "tier=1"}) {
    const auto error = parse_intent_header(bad, out);
    ASSERT_TRUE(error) << bad;
    EXPECT_NE(error->message.find("realtime, standard, economy or batch"), std::string::npos);
  }
}

}  // namespace
}  // namespace aigrid::openai
