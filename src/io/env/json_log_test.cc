#include "io/env/json_log.h"

#include <gtest/gtest.h>

#include <limits>

namespace aigrid::io {
namespace {

class FixedClock final : public Clock {
 public:
  Time now() const override { return Time{}; }
  WallTime wall() const override { return WallTime(Duration(1'769'860'800'123'000'000)); }
};

struct JsonLogTest : testing::Test {
  FixedClock clock;
  std::string out;
  JsonLog log{clock, [this](std::string_view line) { out += line; }};
};

TEST_F(JsonLogTest, WritesOneLineWithTypedFields) {
  log.note("listening", {{"address", "127.0.0.1:80"}, {"worker", 3}, {"share", true}, {"load", 0.5}});
  EXPECT_EQ(out,
            "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"note\",\"event\":\"listening\","
            "\"address\":\"127.0.0.1:80\",\"worker\":3,\"share\":true,\"load\":0.5}\n");
}

TEST_F(JsonLogTest, EscapesWhatJsonForbidsAndReplacesBrokenUtf8) {
  log.warn("odd", {{"text", std::string_view("a\"\\\n\x01é\xFF\xC0\xAFz", 11)}});
  EXPECT_NE(out.find("\"a\\\"\\\\\\n\\u0001é\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\""), std::string::npos) << out;
}

TEST_F(JsonLogTest, LeavesOutWhatIsBelowTheLevelAndNumbersJsonLacks) {
  log.write(Level::Debug, "detail", {});
  EXPECT_TRUE(out.empty());
  log.fail("broken", {{"ratio", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_NE(out.find("\"ratio\":null"), std::string::npos);
}

}  // namespace
}  // namespace aigrid::io
