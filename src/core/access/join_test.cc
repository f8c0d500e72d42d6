#include "core/access/join.h"

#include <gtest/gtest.h>

namespace aigrid::access {
namespace {

StoredToken fresh() { return {Role::Gateway, "paris", "gw-1", 1000, "", "", false}; }
StoredToken used() {
  auto t = fresh();
  t.used_key = "key-a";
  t.used_name = "gw-1";
  return t;
}
JoinClaim claim() { return {Role::Gateway, "paris", "gw-1", "key-a", true, true, {}}; }

struct Case {
  const char* name;
  StoredToken token;
  JoinClaim claim;
  std::int64_t now;
  JoinVerdict verdict;
};

template <class T, class F>
T with(T value, F change) {
  change(value);
  return value;
}

std::vector<Case> cases() {
  using V = JoinVerdict;
  auto key_b = with(claim(), [](auto& c) { c.key_hash = "key-b"; });
  const auto stands = [](const char* site, bool joined = false, bool complete = false) {
    return with(claim(), [&](auto& c) { c.standing = {*site != 0, site, joined, complete}; });
  };
  const auto agent = [](JoinClaim c) { return with(std::move(c), [](auto& a) { a.role = Role::Agent; }); };
  const auto token_of_agent = with(fresh(), [](auto& t) { t.role = Role::Agent; });
  const auto any_agent = with(token_of_agent, [](auto& t) { t.name = ""; });
  const auto used_agent = with(used(), [](auto& t) { t.role = Role::Agent; });
  const auto any = with(fresh(), [](auto& t) { t.name = ""; });
  auto burnt = with(used(), [](auto& t) { t.burnt = true; });
  return {
      {"fresh", fresh(), claim(), 999, V::Accept},
      {"no site named", fresh(), with(claim(), [](auto& c) { c.site = ""; }), 0, V::Accept},
      {"any name", with(fresh(), [](auto& t) { t.name = ""; }), with(claim(), [](auto& c) { c.name = "x"; }), 0,
       V::Accept},
      {"expired by nothing", fresh(), claim(), 1000, V::Expired},
      {"expired by a second", fresh(), claim(), 2000, V::Expired},
      {"lost answer", used(), claim(), 999, V::AcceptAgain},
      {"lost answer, after the end", used(), claim(), 5000, V::AcceptAgain},
      {"replayed", used(), key_b, 999, V::Replayed},
      {"replayed after the end", used(), key_b, 5000, V::Replayed},
      {"same key, other name", with(used(), [](auto& t) { t.name = ""; }),
       with(claim(), [](auto& c) { c.name = "gw-2"; }), 0, V::Replayed},
      {"burnt, first key", burnt, claim(), 0, V::Burnt},
      {"burnt, other key", burnt, key_b, 0, V::Burnt},
      {"wrong secret beats all", burnt, with(claim(), [](auto& c) { c.mac_right = false; }), 0, V::WrongMac},
      {"other site", fresh(), with(claim(), [](auto& c) { c.site = "lyon"; }), 0, V::WrongSite},
      {"other role", fresh(), with(claim(), [](auto& c) { c.role = Role::Agent; }), 0, V::WrongRole},
      {"other name", fresh(), with(claim(), [](auto& c) { c.name = "gw-9"; }), 0, V::WrongName},
      {"no name", with(fresh(), [](auto& t) { t.name = ""; }), with(claim(), [](auto& c) { c.name = ""; }), 0,
       V::WrongName},
      {"a gateway again, by a token with its name", fresh(), stands("paris", true, true), 0, V::Accept},
      {"a gateway that exists, by a token without a name", any, stands("paris"), 0, V::NameTaken},
      {"a gateway deleted since, by a token without a name", any, stands("", true, true), 0, V::NameTaken},
      {"a gateway of another site", fresh(), stands("lyon"), 0, V::OtherPlace},
      {"lost answer, and it is there", used(), stands("paris", true, true), 0, V::AcceptAgain},
      {"lost answer before it was written", used(), stands("", true, false), 0, V::AcceptAgain},
      {"deleted since", used(), stands("", true, true), 0, V::Deleted},
      {"an agent of a node", token_of_agent, agent(stands("paris")), 0, V::Accept},
      {"an agent of a new node, any name", any_agent, agent(stands("paris")), 0, V::Accept},
      {"an agent of a node that joined, any name", any_agent, agent(stands("paris", true)), 0, V::NameTaken},
      {"an agent of a node that joined, by name", token_of_agent, agent(stands("paris", true)), 0, V::Accept},
      {"an agent of no node", token_of_agent, agent(stands("")), 0, V::NoSuchNode},
      {"an agent of a node elsewhere", token_of_agent, agent(stands("lyon")), 0, V::OtherPlace},
      {"lost answer of an agent", used_agent, agent(stands("paris", true)), 0, V::AcceptAgain},
      {"lost answer of a node deleted since", used_agent, agent(stands("", true)), 0, V::NoSuchNode},
      {"replayed for a node deleted since", used_agent, agent(with(key_b, [](auto&) {})), 0, V::Replayed},
      {"other csr", fresh(), with(claim(), [](auto& c) { c.csr_names_claim = false; }), 0, V::WrongRequest},
  };
}

TEST(JudgeJoin, DecidesByTable) {
  for (const auto& c : cases()) {
    EXPECT_EQ(judge_join(&c.token, c.claim, c.now), c.verdict) << c.name;
    EXPECT_EQ(accepted(c.verdict), code_of(c.verdict) == "ok") << c.name;
    EXPECT_FALSE(explain(c.verdict, &c.token, c.claim).empty());
  }
  EXPECT_EQ(judge_join(nullptr, claim(), 0), JoinVerdict::Unknown);
}

}  // namespace
}  // namespace aigrid::access
