#include "core/audit/distance.h"

#include <gtest/gtest.h>

namespace aigrid::audit {
namespace {

crypto::SigningKey key(char seed) { return *crypto::SigningKey::from_seed(std::string(32, seed)); }

Distance measured(std::int64_t us) {
  return {"europe", std::string(64, 'b'), 1'767'225'600'000, {"g-paris", "paris", us}, {"g-lyon", "lyon", us + 10}};
}

grid::DistanceLeaf leaf_of(const Distance& d) {
  const std::string text = format_distance(d);
  return {text,        d.a.gateway,           key('a').public_key(), key('a').sign(text),
          d.b.gateway, key('b').public_key(), key('b').sign(text)};
}

grid::Site site(const char* name, double lat, double lon) {
  grid::Site out;
  out.name = name;
  out.lat = lat;
  out.lon = lon;
  return out;
}

TEST(Distance, OneTextForEachStatement) {
  const std::string text = format_distance(measured(4000));
  const auto read = parse_distance(text);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, measured(4000));
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse_distance(text.substr(0, i)).ok()) << i;
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    if (const auto other = parse_distance(changed); other.ok()) {
      EXPECT_EQ(format_distance(*other), changed);
    }
  }
}

TEST(Distance, TheAskedEndSignsItsOwnMeasurementAlone) {
  const auto proposed = measured(4000);
  const Distance::End own{"g-lyon", "lyon", 4500};
  const auto answered = answer_distance(proposed, own, proposed.unix_ms + 59'000);
  ASSERT_TRUE(answered.ok());
  EXPECT_EQ(answered->b.rtt_us, 4500);
  EXPECT_EQ(answered->a, proposed.a);
  EXPECT_FALSE(answer_distance(proposed, own, proposed.unix_ms + 61'000).ok());
  EXPECT_FALSE(answer_distance(proposed, {"g-lyon", "lyon", 0}, proposed.unix_ms).ok());
  EXPECT_FALSE(answer_distance(proposed, {"g-nice", "nice", 4500}, proposed.unix_ms).ok());
}

TEST(Distance, SignaturesOfBothEnds) {
  EXPECT_EQ(judge_signatures(leaf_of(measured(4000))), "");
  auto changed = leaf_of(measured(4000));
  changed.statement[changed.statement.size() - 2] ^= 1;
  EXPECT_NE(judge_signatures(changed), "");
  auto other = leaf_of(measured(4000));
  other.b_key = key('x').public_key();
  EXPECT_EQ(judge_signatures(other), "the signature of g-lyon does not hold");
  auto renamed = leaf_of(measured(4000));
  renamed.a = "g-nice";
  EXPECT_NE(judge_signatures(renamed), "");
}

// Paris to Lyon: 392 km, 2.6 ms for light there and back.
TEST(Distance, NothingIsFasterThanLight) {
  const auto paris = site("paris", 48.8566, 2.3522);
  const auto lyon = site("lyon", 45.764, 4.8357);
  EXPECT_NEAR(great_circle_km(paris, lyon), 392, 1);
  EXPECT_NEAR(least_rtt_us(392), 2615, 10);
  EXPECT_EQ(judge_light(measured(2700), paris, lyon), "");
  EXPECT_NE(judge_light(measured(2500), paris, lyon).find("391 km apart"), std::string::npos);
  // The other end alone is enough.
  auto uneven = measured(2700);
  uneven.b.rtt_us = 100;
  EXPECT_NE(judge_light(uneven, paris, lyon).find("g-lyon measured"), std::string::npos);
}

}  // namespace
}  // namespace aigrid::audit
