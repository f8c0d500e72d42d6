#include "format/http/message.h"

#include <gtest/gtest.h>

namespace aigrid::http {
namespace {

TEST(Headers, NamesHaveNoCase) {
  Headers h{{"Content-Type", "a"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(h.get("content-TYPE"), "a");
  EXPECT_EQ(h.begin()->name, "content-type");
  EXPECT_EQ(h.count("X"), 2U);
  h.set("x", *h.get("x"));
  EXPECT_EQ(h.count("X"), 1U);
  EXPECT_EQ(h.get("x"), "1");
  h.remove("x");
  EXPECT_FALSE(h.has("x"));
}

TEST(Headers, Lists) {
  const Headers h{{"connection", "keep-alive , Upgrade"}, {"connection", "CLOSE"}};
  EXPECT_TRUE(h.lists("Connection", "upgrade"));
  EXPECT_TRUE(h.lists("connection", "close"));
  EXPECT_FALSE(h.lists("connection", "clo"));
}

TEST(ParseTarget, Good) {
  const auto t = parse_target("/v1/mod%65ls/%C3%A4?x=%2F&y");
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->path, "/v1/models/\xC3\xA4");
  EXPECT_EQ(t->query, "x=%2F&y");
  EXPECT_TRUE(parse_target("/").ok());
  EXPECT_TRUE(parse_target("/a/").ok());
  EXPECT_TRUE(parse_target("/a/...").ok());
}

TEST(ParseTarget, Refused) {
  for (const auto* bad : {"",      "*",    "v1",      "//v1",       "/a//b",         "/a/../b",    "/a/..", "/%2e%2e/b",
                          "/.%2E", "/./a", "/a%2fb",  "/a%5Cb",     "/a\\b",         "/%00",       "/%0a",  "/%",
                          "/%1",   "/%zz", "/%C0%AF", "/%ED%A0%80", "/%F4%90%80%80", "/%E0%80%AF", "/%FF"}) {
    EXPECT_FALSE(parse_target(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace aigrid::http
