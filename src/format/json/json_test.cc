#include "format/json/json.h"

#include <gtest/gtest.h>

namespace aigrid::json {
namespace {

TEST(Json, RefusesWhatIsNotJsonOrTooDeep) {
  for (const char* text : {"", "{", "nul", "{\"a\":}", "[1,]", "{} {}", "NaN", "\"\xff\""}) {
    EXPECT_FALSE(parse(text).ok()) << text;
  }
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  const auto r = parse(deep);
  ASSERT_FALSE(r.ok());
  EXPECT_NE(r.error().message.find("deeper than 64"), std::string::npos);
  EXPECT_TRUE(parse(std::string(64, '[') + std::string(64, ']')).ok());
  EXPECT_TRUE(parse(R"({"a":"[[[[[[\"[[[["})", 2).ok());
}

TEST(Json, ReaderChecksTypeAndRange) {
  const Json v = *parse(R"({"s":"x","b":true,"d":1.5,"u":300,"n":-1,"l":["a"],"m":{"k":"v"},"z":null})");
  std::string s;
  bool b = false;
  double d = 0;
  std::uint32_t u = 7;
  std::int64_t n = 0;
  std::vector<std::string> l;
  std::map<std::string, std::string> m;
  Reader r(v);
  r.get("s", s).get("b", b).get("d", d).get("u", u).get("n", n).get("l", l).get("m", m).get("z", u).get("none", u);
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(s, "x");
  EXPECT_EQ(u, 300U);
  EXPECT_EQ(n, -1);
  EXPECT_EQ(m.at("k"), "v");
  std::uint8_t small = 0;
  EXPECT_EQ(Reader(v, "row").get("u", small).result().error().message,
            "row.u: must be a whole number from 0 to 255, got 300");
  EXPECT_FALSE(Reader(v).get("n", u).ok());
  EXPECT_FALSE(Reader(v).get("d", u).ok());
  EXPECT_FALSE(Reader(v).get("s", b).ok());
  EXPECT_FALSE(Reader(v).get("m", l).ok());
  EXPECT_FALSE(Reader(Json(3)).ok());
}

TEST(Json, DumpNeverFails) { EXPECT_EQ(dump(Json("a\xff")), "\"a\xef\xbf\xbd\""); }

}  // namespace
}  // namespace aigrid::json
