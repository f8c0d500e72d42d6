// What holds for every implementation of Keys.
#include "io/pki/keys.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "io/pki/openssl_keys.h"
#include "io/pki/virtual_keys.h"

namespace aigrid::io {
namespace {

using ::testing::HasSubstr;

const WallTime kNow{std::chrono::seconds(1'800'000'000)};
const Spiffe kNode{"demo", Role::Agent, "lyon", "node-1"};

VirtualKeys::Entropy seeded(std::uint64_t seed) {
  return [random = Random(seed)](std::span<char> into) mutable {
    for (char& c : into) c = static_cast<char>(random.below(256));
  };
}

struct KeysTest : ::testing::TestWithParam<bool> {
  OpenSslKeys real;
  VirtualKeys seeded_keys{seeded(1)};
  Keys& keys = GetParam() ? static_cast<Keys&>(real) : seeded_keys;
  std::string ca_key = keys.new_key();
  std::string root = keys.make_root({"demo", 24h, kNow}, ca_key).value();
  std::string key = keys.new_key();
  std::string csr = keys.make_csr(key, kNode).value();
};

TEST_P(KeysTest, IssueAndInspect) {
  const auto checked = keys.check_csr(csr);
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ(checked->id, "spiffe://demo/agent/lyon/node-1");
  const auto chain = keys.issue({root, ca_key, csr, kNode, 1h, kNow});
  ASSERT_TRUE(chain.ok()) << chain.error().message;
  const auto cert = keys.inspect(*chain);
  ASSERT_TRUE(cert.ok());
  EXPECT_EQ(cert->id, "spiffe://demo/agent/lyon/node-1");
  EXPECT_EQ(cert->not_before, kNow - kBackdate);
  EXPECT_EQ(cert->not_after, kNow + 1h);
  EXPECT_EQ(cert->serial.size(), 32U);
  EXPECT_EQ(cert->key_hash, checked->key_hash);
  EXPECT_EQ(cert->key_hash, keys.spki_hash(*chain).value());
  EXPECT_EQ(cert->key_hash.size(), 32U);
  EXPECT_FALSE(cert->authority);
  EXPECT_THAT(*chain, HasSubstr(root));  // the joiner finds its pin in it
}

TEST_P(KeysTest, RootIsAnAuthority) {
  const auto cert = keys.inspect(root);
  ASSERT_TRUE(cert.ok());
  EXPECT_EQ(cert->id, "spiffe://demo");
  EXPECT_TRUE(cert->authority);
  EXPECT_EQ(cert->not_after, kNow + 24h);
  EXPECT_NE(cert->key_hash, keys.check_csr(csr)->key_hash);
}

TEST_P(KeysTest, AuthorityDecidesTheName) {
  const Spiffe other{"demo", Role::Agent, "paris", "node-9"};
  const auto chain = keys.issue({root, ca_key, csr, other, 1h, kNow});
  ASSERT_TRUE(chain.ok());
  EXPECT_EQ(keys.inspect(*chain)->id, "spiffe://demo/agent/paris/node-9");
}

TEST_P(KeysTest, SerialsDiffer) {
  const auto serial = [&] { return keys.inspect(keys.issue({root, ca_key, csr, kNode, 1h, kNow}).value())->serial; };
  EXPECT_NE(serial(), serial());
  EXPECT_NE(keys.new_key(), keys.new_key());
}

TEST_P(KeysTest, NeverOutlivesItsAuthority) {
  const auto chain = keys.issue({root, ca_key, csr, kNode, 48h, kNow});
  ASSERT_TRUE(chain.ok());
  EXPECT_EQ(keys.inspect(*chain)->not_after, kNow + 24h);
  const auto late = keys.issue({root, ca_key, csr, kNode, 1h, kNow + 25h});
  ASSERT_FALSE(late.ok());
  EXPECT_THAT(late.error().message, HasSubstr("has expired"));
}

TEST_P(KeysTest, RefusesWhatDoesNotFit) {
  EXPECT_THAT(keys.issue({root, key, csr, kNode, 1h, kNow}).error().message, HasSubstr("is not its key"));
  EXPECT_FALSE(keys.issue({root, ca_key, csr, {"demo", Role::Agent, "..", "x"}, 1h, kNow}).ok());
  EXPECT_FALSE(keys.issue({root, ca_key, csr, kNode, 0s, kNow}).ok());
  EXPECT_FALSE(keys.make_csr(key, {"demo", Role::Agent, "a,DNS:b", "x"}).ok());
  EXPECT_FALSE(keys.make_csr("nonsense", kNode).ok());
  EXPECT_FALSE(keys.make_root({"Demo/..", 1h, kNow}, ca_key).ok());
  for (const std::string& bad : {std::string(), std::string("x"), root, key, csr.substr(0, csr.size() / 2)}) {
    EXPECT_FALSE(keys.check_csr(bad).ok());
    if (bad != root) EXPECT_FALSE(keys.inspect(bad).ok());
  }
}

TEST_P(KeysTest, EveryChangedByteOfARequestIsFound) {
  int accepted_other = 0;
  const auto original = keys.check_csr(csr).value();
  for (std::size_t i = 0; i < csr.size(); ++i) {
    std::string changed = csr;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto checked = keys.check_csr(changed);
    if (checked.ok() && (checked->id != original.id || checked->key_hash != original.key_hash)) ++accepted_other;
  }
  EXPECT_EQ(accepted_other, 0);
}

INSTANTIATE_TEST_SUITE_P(Both, KeysTest, ::testing::Values(true, false),
                         [](const auto& p) { return std::string(p.param ? "OpenSsl" : "Virtual"); });

TEST(VirtualKeys, SameSeedSameBytes) {
  const auto make = [] {
    VirtualKeys keys(seeded(42));
    const std::string key = keys.new_key();
    const std::string root = keys.make_root({"demo", 24h, kNow}, key).value();
    return keys.issue({root, key, keys.make_csr(keys.new_key(), kNode).value(), kNode, 1h, kNow}).value();
  };
  EXPECT_EQ(make(), make());
}

}  // namespace
}  // namespace aigrid::io
