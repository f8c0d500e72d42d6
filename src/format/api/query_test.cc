#include "format/api/query.h"

#include <gtest/gtest.h>

namespace aigrid::api {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Query, IsDecodedInOrder) {
  const auto got = parse_query("a=1&group_by%5B%5D=model&&group_by[]=project_id&b=x%20y+z&c");
  ASSERT_TRUE(got.ok());
  const Pairs want = {{"a", "1"}, {"group_by", "model"}, {"group_by", "project_id"}, {"b", "x y z"}, {"c", ""}};
  EXPECT_EQ(*got, want);
  for (const char* bad : {"a=%", "a=%2", "a=%zz", "%g0=1"}) EXPECT_FALSE(parse_query(bad).ok()) << bad;
}

TEST(Query, Instants) {
  EXPECT_EQ(*parse_instant("0"), 0);
  EXPECT_EQ(*parse_instant("1763769600"), 1763769600);
  EXPECT_EQ(*parse_instant("2025-11-22"), 1763769600);
  EXPECT_EQ(*parse_instant("2025-11-22T01:00Z"), 1763773200);
  EXPECT_EQ(*parse_instant("2024-02-29T23:59:59Z"), 1709251199);
  EXPECT_EQ(day_text(1709251199), "2024-02-29");
  EXPECT_EQ(day_text(0), "1970-01-01");
  for (const char* bad : {"", "yesterday", "2025-02-29", "2025-13-01", "2025-11-22T24:00Z", "2025-11-22T01:00",
                          "1969-12-31", "-5", "9999999999999", "2025-11-22T01:00Zx"}) {
    const auto got = parse_instant(bad);
    ASSERT_FALSE(got.ok()) << bad;
    EXPECT_NE(got.error().message.find("2026-11-22"), std::string::npos);
  }
}

}  // namespace
}  // namespace aigrid::api
