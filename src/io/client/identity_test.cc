// What lies on a member's disk: whole, half written, of another key, of another role, and a chain of ten thousand.
#include "io/client/identity.h"

#include <gmock/gmock.h>

#include "format/json/json.h"
#include "io/client/join.h"
#include "io/client/renewal.h"
#include "io/env/virtual_world.h"
#include "io/pki/virtual_keys.h"
#include "io/tls/virtual_tls.h"

namespace aigrid::io {
namespace {

using ::testing::HasSubstr;

constexpr const char* kState = "/var/agent";
const Spiffe kNode{"g", Role::Agent, "paris", "paris-1"};

WorldOptions options() {
  WorldOptions o;
  o.tls = [](Env&) { return std::make_shared<VirtualTls>(); };
  o.keys = [](Env& env) { return std::make_shared<VirtualKeys>([&env](std::span<char> into) { env.entropy(into); }); };
  return o;
}

class IdentityFile : public ::testing::Test {
 protected:
  Identity fresh() {
    const std::string key = env.keys().new_key();
    const auto chain = env.keys().issue({root, ca_key, *env.keys().make_csr(key, kNode), kNode, 1h, env.wall()});
    return {key, *chain, {root}, std::string(32, 'b'), "g"};
  }
  // What a start as `role` makes of the file: its error, or "started".
  std::string start(Role role = Role::Agent) {
    std::string said;
    JoinOptions join;
    join.role = role;
    join.within = 1s;
    world.spawn("agent", [&](Env& e) { return load(e, join, said); });
    EXPECT_TRUE(world.run_until([&] { return !said.empty(); }, 10s));
    return said;
  }
  static Task<void> load(Env& env, JoinOptions join, std::string& said) {
    auto identity = co_await load_or_join(env, kState, std::move(join));
    auto member = identity.ok() ? Membership::make(env, kState, *identity)
                                : Result<std::unique_ptr<Membership>>(identity.error());
    said = member.ok() ? "started" : member.error().message;
  }
  VirtualWorld world{1, options()};
  Env& env = world.add_host("agent");
  std::string ca_key = env.keys().new_key();
  std::string root = *env.keys().make_root({"g", 24h, env.wall()}, ca_key);
};

TEST_F(IdentityFile, IsTakenWhole) {
  const Identity identity = fresh();
  ASSERT_TRUE(save_identity(env.files(), kState, identity).ok());
  EXPECT_EQ(start(), "started");
  EXPECT_THAT(start(Role::Gateway), HasSubstr("identity of agent \"paris-1\", and this is a gateway"));
}

TEST_F(IdentityFile, HalfWritten) {
  const std::string whole = encode(fresh());
  ASSERT_TRUE(env.files().make_folders(kState).ok());
  for (std::size_t cut : {std::size_t{0}, std::size_t{1}, whole.size() / 2, whole.size() - 3}) {
    ASSERT_TRUE(env.files().replace(std::string(kState) + "/identity.json", whole.substr(0, cut)).ok());
    EXPECT_THAT(start(), HasSubstr("remove the file and join again")) << cut;
  }
}

TEST_F(IdentityFile, KeyOfAnotherCertificate) {
  Identity identity = fresh();
  identity.key = fresh().key;
  ASSERT_TRUE(save_identity(env.files(), kState, identity).ok());
  EXPECT_NE(start(), "started");
}

TEST_F(IdentityFile, ChainAndRootsAreBounded) {
  Identity identity = fresh();
  identity.roots.clear();
  EXPECT_THAT(decode_identity(encode(identity)).error().message, HasSubstr("must all be there"));
  identity.roots.assign(10'000, root);
  EXPECT_THAT(decode_identity(encode(identity)).error().message, HasSubstr("10000 certificates, at most 16"));
  EXPECT_FALSE(decode_renew_answer(encode(RenewAnswer{identity.chain, identity.roots})).ok());
  EXPECT_FALSE(decode_join_answer(encode(JoinAnswer{identity.chain, identity.roots, "k", "g", "m"})).ok());
  EXPECT_FALSE(decode_join_answer(encode(JoinAnswer{identity.chain, {}, "k", "g", "m"})).ok());
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += identity.chain;
  EXPECT_FALSE(env.keys().inspect(many).ok());
}

// A renewed chain of another name, or of another key, changes nothing.
TEST_F(IdentityFile, ARenewalThatDoesNotFitKeepsTheOldOne) {
  const Identity identity = fresh();
  auto member = Membership::make(env, "", identity);
  ASSERT_TRUE(member.ok());
  const std::string key = env.keys().new_key();
  Spiffe other = kNode;
  other.id = "paris-2";
  const auto foreign = env.keys().issue({root, ca_key, *env.keys().make_csr(key, other), other, 1h, env.wall()});
  EXPECT_FALSE((*member)->replace(key, {*foreign, {}}).ok());
  const auto mismatched = env.keys().issue({root, ca_key, *env.keys().make_csr(key, kNode), kNode, 1h, env.wall()});
  EXPECT_FALSE((*member)->replace(env.keys().new_key(), {*mismatched, {}}).ok());
  EXPECT_EQ((*member)->identity().chain, identity.chain);
  EXPECT_TRUE((*member)->replace(key, {*mismatched, {}}).ok());
}

}  // namespace
}  // namespace aigrid::io
