#include "base/crypto/token.h"

#include <gmock/gmock.h>

namespace aigrid::crypto {
namespace {

using ::testing::HasSubstr;

const ApiKey kKey{"\x01\x02\x03\x04\x05\x06\x07\x08", std::string(24, 's')};
const JoinToken kToken{"\xff\x02\x03\x04\x05\x06\x07\x08", std::string(32, 't'), std::string(32, 'p')};

TEST(ApiKey, RoundTrip) {
  const std::string text = format_api_key(kKey).value();
  EXPECT_EQ(text.size(), 54U);
  EXPECT_TRUE(text.starts_with("agk1_"));
  const auto back = parse_api_key(text);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->kid, kKey.kid);
  EXPECT_EQ(back->secret, kKey.secret);
  EXPECT_EQ(key_hash(*back), sha256(kKey.kid + kKey.secret));
}

TEST(ApiKey, EveryChangedCharacterIsFound) {
  const std::string text = format_api_key(kKey).value();
  for (std::size_t i = 5; i < text.size(); ++i) {
    for (const char c : {'0', 'a', 'Z', '-', ' ', '\0', '\xc3'}) {
      if (text[i] == c) continue;
      std::string changed = text;
      changed[i] = c;
      const auto parsed = parse_api_key(changed);
      ASSERT_FALSE(parsed.ok()) << i;
      EXPECT_THAT(parsed.error().message, HasSubstr("a character is wrong or missing: copy the key again"));
    }
  }
}

TEST(ApiKey, ClearErrors) {
  const std::string text = format_api_key(kKey).value();
  const auto message = [](std::string_view t) { return parse_api_key(t).error().message; };
  EXPECT_THAT(message("sk-abc"), HasSubstr("starts with agk1_"));
  EXPECT_THAT(message(""), HasSubstr("starts with agk1_"));
  EXPECT_THAT(message(format_join_token(kToken).value()), HasSubstr("this is a join token"));
  EXPECT_THAT(message(text.substr(0, 53)), HasSubstr("has 54 characters, this one has 53"));
  EXPECT_THAT(message(text + " "), HasSubstr("this one has 55"));
  EXPECT_EQ(parse_api_key(text.substr(0, 53)).error().code, Code::InvalidArgument);
}

TEST(JoinToken, RoundTripAndErrors) {
  const std::string text = format_join_token(kToken).value();
  EXPECT_EQ(text.size(), 108U);
  const auto back = parse_join_token(text);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->kid, kToken.kid);
  EXPECT_EQ(back->secret, kToken.secret);
  EXPECT_EQ(back->root_pin, kToken.root_pin);
  EXPECT_EQ(join_key(*back), join_key(kToken));
  std::string changed = text;
  std::swap(changed[20], changed[60]);
  EXPECT_THAT(parse_join_token(changed).error().message, HasSubstr("copy the token again"));
  EXPECT_THAT(parse_join_token(format_api_key(kKey).value()).error().message, HasSubstr("this is an api key"));
}

// Letters that look like ours and are others, and the same characters in another order.
TEST(Tokens, LookAlikes) {
  const std::string token = format_join_token(kToken).value();
  const auto at = token.find_first_of("aceopxyABCEHKMOPTX", 5);
  ASSERT_NE(at, std::string::npos);
  for (const char* other : {"\xd0\xb0", "\xd0\x95", "\xef\xbc\xa1", "\xe2\x80\x8b"}) {  // а Е Ａ, a space of no width
    EXPECT_FALSE(parse_join_token(token.substr(0, at) + other + token.substr(at + 1)).ok());
    EXPECT_FALSE(parse_join_token(token.substr(0, at) + other + token.substr(at + 2)).ok());
    EXPECT_FALSE(parse_join_token(token + other).ok());
  }
  EXPECT_FALSE(parse_join_token("\xd0\xb0gj1_" + token.substr(5)).ok());
}

TEST(Tokens, WrongParts) {
  EXPECT_FALSE(format_api_key({"short", kKey.secret}).ok());
  EXPECT_FALSE(format_join_token({kToken.kid, kToken.secret, ""}).ok());
}

}  // namespace
}  // namespace aigrid::crypto
