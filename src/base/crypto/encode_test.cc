#include "base/crypto/encode.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace aigrid::crypto {
namespace {

std::string random_bytes(Random& random, std::size_t n) {
  std::string out(n, '\0');
  for (auto& b : out) b = static_cast<char>(random.below(256));
  return out;
}

TEST(Crc32, KnownAnswers) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926U);
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc32("6789", crc32("12345")), 0xcbf43926U);
}

TEST(Hex, BothWays) {
  EXPECT_EQ(hex(std::string("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(from_hex("00FF1a").value(), std::string("\x00\xff\x1a", 3));
  EXPECT_FALSE(from_hex("0").ok());
  EXPECT_FALSE(from_hex("0g").ok());
}

TEST(Base64, Rfc4648) {
  const std::pair<std::string, std::string> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : cases) {
    EXPECT_EQ(base64(plain), coded);
    EXPECT_EQ(from_base64(coded).value(), plain);
  }
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
  EXPECT_EQ(from_base64url("-_8").value(), "\xfb\xff");
}

TEST(Base64, OneTextPerValue) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zg===", "Z===", "Zm9v\n", "Zm 9", "Zg==Zg==", "=Zg="}) {
    EXPECT_FALSE(from_base64(bad).ok()) << bad;
  }
  for (const char* bad : {"Zg==", "Zh", "Z", "+/8"}) EXPECT_FALSE(from_base64url(bad).ok()) << bad;
}

TEST(Base62, FixedLengthRoundTrip) {
  Random random(7);
  for (std::size_t n = 0; n < 90; ++n) {
    for (int i = 0; i < 20; ++i) {
      const std::string bytes = random_bytes(random, n);
      const std::string text = base62(bytes);
      ASSERT_EQ(text.size(), base62_length(n));
      ASSERT_EQ(from_base62(text, n).value(), bytes);
    }
    const std::string largest(n, '\xff');
    ASSERT_EQ(from_base62(base62(largest), n).value(), largest);
  }
}

TEST(Base62, KnownAnswersAndRefusals) {
  EXPECT_EQ(base62(std::string(1, '\x3e')), "10");
  EXPECT_EQ(base62("\xff"), "47");
  EXPECT_EQ(base62_length(36), 49U);
  EXPECT_EQ(base62_length(76), 103U);
  EXPECT_FALSE(from_base62("48", 1).ok());  // 256
  EXPECT_FALSE(from_base62("zz", 1).ok());
  EXPECT_FALSE(from_base62("1", 1).ok());
  EXPECT_FALSE(from_base62("1-", 1).ok());
  EXPECT_FALSE(from_base62(std::string(49, 'z'), 36).ok());
}

}  // namespace
}  // namespace aigrid::crypto
