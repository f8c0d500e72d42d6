#include "base/crypto/ed25519.h"

#include <gtest/gtest.h>

#include "base/crypto/encode.h"

namespace aigrid::crypto {
namespace {

std::string un(std::string_view text) { return from_hex(text).value(); }

struct Vector {
  const char *seed, *key, *message, *signature;
};

TEST(Ed25519, Rfc8032) {
  const Vector vectors[] = {{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                             "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                             "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
                             "cf9b46bd25bf5f0595bbe24655141"
                             "438e7a100b"},
                            {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                             "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                             "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
                             "0f11d8c387b2eaeb4302aeeb00d29"
                             "1612bb0c00"}};
  for (const auto& v : vectors) {
    const auto key = SigningKey::from_seed(un(v.seed));
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(hex(key->public_key()), v.key);
    EXPECT_EQ(hex(key->sign(un(v.message))), v.signature);
    EXPECT_TRUE(verify(un(v.key), un(v.message), un(v.signature)));
  }
}

TEST(Ed25519, RefusesWhatWasChanged) {
  const auto key = SigningKey::from_seed(std::string(32, 'k')).value();
  const std::string signature = key.sign("message");
  const auto reader = PublicKey::from_bytes(key.public_key()).value();
  EXPECT_TRUE(reader.verify("message", signature));
  EXPECT_FALSE(reader.verify("messagf", signature));
  EXPECT_FALSE(reader.verify("message", signature.substr(1)));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(reader.verify("message", changed)) << i;
  }
  const auto other = SigningKey::from_seed(std::string(32, 'o')).value();
  EXPECT_FALSE(verify(other.public_key(), "message", signature));
}

TEST(Ed25519, RefusesWrongLengths) {
  EXPECT_FALSE(SigningKey::from_seed("short").ok());
  EXPECT_FALSE(PublicKey::from_bytes(std::string(33, 'k')).ok());
  EXPECT_FALSE(verify("", "message", std::string(64, 's')));
}

}  // namespace
}  // namespace aigrid::crypto
