#include "core/access/key_table.h"

#include <gmock/gmock.h>

#include "base/crypto/encode.h"
#include "base/crypto/token.h"

namespace aigrid::access {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

crypto::ApiKey secret(unsigned char first, char fill) {
  return {std::string(1, static_cast<char>(first)) + std::string(7, fill), std::string(24, fill)};
}

grid::ApiKey stored(const crypto::ApiKey& k) {
  grid::ApiKey key;
  key.kid = crypto::hex(k.kid);
  key.hash = crypto::hex(crypto::view(crypto::key_hash(k)));
  key.tenant = "free";
  return key;
}

std::string text(const crypto::ApiKey& k) { return *crypto::format_api_key(k); }

TEST(KeyTable, EveryVerdict) {
  const auto good = secret(1, 'a');
  const auto revoked = secret(2, 'b');
  const auto expired = secret(3, 'c');
  auto r = stored(revoked);
  r.revoked = true;
  auto e = stored(expired);
  e.expires_unix_s = 1000;
  const std::vector<grid::ApiKey> keys{stored(good), r, e};
  const auto table = KeyTable::compile(keys);
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->size(), 3U);

  const auto ok = table->look_up(text(good), 5000);
  EXPECT_EQ(ok.verdict, KeyVerdict::Ok);
  EXPECT_EQ(ok.key->tenant, "free");
  EXPECT_EQ(table->look_up(text(revoked), 5000).verdict, KeyVerdict::Revoked);
  EXPECT_EQ(table->look_up(text(expired), 999).verdict, KeyVerdict::Ok);
  EXPECT_EQ(table->look_up(text(expired), 1000).verdict, KeyVerdict::Expired);
  EXPECT_EQ(table->look_up(text(secret(4, 'd')), 0).verdict, KeyVerdict::Unknown);
  const auto forged = crypto::ApiKey{good.kid, std::string(24, 'x')};
  const auto wrong = table->look_up(text(forged), 0);
  EXPECT_EQ(wrong.verdict, KeyVerdict::WrongSecret);
  EXPECT_EQ(wrong.key, nullptr);
  EXPECT_EQ(table->look_up(text({revoked.kid, std::string(24, 'x')}), 0).verdict, KeyVerdict::WrongSecret)
      << "that a key is revoked is not for everyone to know";
  auto typo = text(good);
  typo.back() = typo.back() == 'x' ? 'y' : 'x';
  const auto bad = table->look_up(typo, 0);
  EXPECT_EQ(bad.verdict, KeyVerdict::Malformed);
  EXPECT_THAT(bad.message, Not(HasSubstr(typo.substr(20))));
  EXPECT_EQ(table->look_up("", 0).verdict, KeyVerdict::Malformed);
}

TEST(KeyTable, OneChangedShardIsRebuiltAlone) {
  const auto one = secret(1, 'a');
  const auto same_shard = secret(65, 'b');  // 65 mod 64 = 1
  const auto other = secret(2, 'c');
  const std::vector<grid::ApiKey> keys{stored(one), stored(same_shard), stored(other)};
  const auto before = *KeyTable::compile(keys);
  auto gone = stored(one);
  gone.revoked = true;
  const std::vector<grid::ApiKey> shard{stored(same_shard), gone};
  const auto after = before.with_shard(1, shard);
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_EQ(after->look_up(text(one), 0).verdict, KeyVerdict::Revoked);
  EXPECT_EQ(before.look_up(text(one), 0).verdict, KeyVerdict::Ok);
  for (unsigned s = 0; s < kShards; ++s) EXPECT_EQ(after->shares(before, s), s != 1);
  EXPECT_EQ(before.with_shard(1, keys).error().code, Code::InvalidArgument) << "a key of another shard";
  EXPECT_FALSE(before.with_shard(64, {}).ok());
}

TEST(KeyTable, BadKeysAreRefusedWhole) {
  auto k = stored(secret(1, 'a'));
  k.hash = "abc";
  EXPECT_THAT(KeyTable::compile(std::vector{k}).error().message, HasSubstr("its hash is 64 hex digits"));
  k = stored(secret(1, 'a'));
  EXPECT_THAT(KeyTable::compile(std::vector{k, k}).error().message, HasSubstr("defined twice"));
  k.kid = "xyz";
  EXPECT_THAT(KeyTable::compile(std::vector{k}).error().message, HasSubstr("16 hex digits"));
}

}  // namespace
}  // namespace aigrid::access
