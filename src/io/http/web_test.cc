#include "io/http/web.h"

#include <gtest/gtest.h>

namespace aigrid::io {
namespace {

TEST(WebUrl, SaysWhetherToUseTlsAndWhereTo) {
  const auto secure = parse_web_url("https://127.0.0.1:8443/");
  ASSERT_TRUE(secure.ok());
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->address, "127.0.0.1:8443");
  for (const char* plain : {"http://127.0.0.1:80/", "127.0.0.1:80"}) {
    const auto url = parse_web_url(plain);
    ASSERT_TRUE(url.ok()) << plain;
    EXPECT_FALSE(url->tls);
    EXPECT_EQ(url->address, "127.0.0.1:80");
  }
  EXPECT_EQ(parse_web_url("unix:/run/control")->address, "unix:/run/control");
  for (const char* none : {"ftp://127.0.0.1:1", "https://", "https://127.0.0.1"}) {
    const auto url = parse_web_url(none);
    ASSERT_FALSE(url.ok()) << none;
    EXPECT_NE(url.error().message.find(none), std::string::npos);
  }
}

}  // namespace
}  // namespace aigrid::io
