#include "core/policy/preview.h"

#include <gmock/gmock.h>

namespace aigrid::policy {
namespace {

using ::testing::ElementsAre;

grid::Inventory world() {
  grid::Inventory i;
  for (const auto& [name, cell] : {std::pair("lyon", "FR"), std::pair("zurich", "CH")}) {
    grid::Site s;
    s.name = name;
    s.jurisdiction = cell;
    i.sites.push_back(s);
    grid::Node n;
    n.name = std::string(name) + "-1";
    n.site = name;
    i.nodes.push_back(n);
  }
  i.zones = {{"both", {"CH", "FR"}, {}, {}, {}, {}}, {"ch", {"CH"}, {}, {}, {}, {}}, {"fr", {"FR"}, {}, {}, {}, {}}};
  i.tenants = {{"acme", "", "both", ""}};
  grid::Model m;
  m.name = "chat";
  m.aliases = {"c"};
  i.models = {m};
  grid::Deployment d;
  d.name = "chat";
  d.model = "chat";
  d.nodes = {"lyon-1", "zurich-1"};
  i.deployments = {d};
  return i;
}

Recorded served(std::string id, std::string at, std::string door = "lyon") {
  Recorded r;
  r.request_id = std::move(id);
  r.tenant = "acme";
  r.model = "c";
  r.site = std::move(at);
  r.door = std::move(door);
  return r;
}

Fate fate(const grid::Inventory& after, const Recorded& r) {
  const auto preview = Preview::compile(after, 0);
  EXPECT_TRUE(preview.ok());
  return preview->foretell(r).fate;
}

TEST(Preview, SaysWhoWouldHaveBeenRefusedMovedOrAllowed) {
  const auto held = world();
  auto after = held;
  after.tenants[0].zone = "fr";
  EXPECT_EQ(fate(held, served("1", "zurich")), Fate::Same);
  EXPECT_EQ(fate(after, served("1", "lyon")), Fate::Same);
  EXPECT_EQ(fate(after, served("1", "zurich")), Fate::Moved);
  auto swiss = served("1", "zurich");
  swiss.zones = {"ch"};
  EXPECT_EQ(fate(after, swiss), Fate::Refused);
  after.deployments[0].nodes = {"zurich-1"};
  EXPECT_EQ(fate(after, served("1", "zurich")), Fate::Refused) << "the model is nowhere else";
  Recorded denied = served("1", "");
  denied.denied = true;
  EXPECT_EQ(fate(held, denied), Fate::Allowed);
  EXPECT_EQ(fate(after, denied), Fate::Same);
  EXPECT_EQ(fate(after, served("1", "")), Fate::Same) << "it failed, but not for the law";
  Recorded gone = served("1", "lyon");
  gone.tenant = "nobody";
  EXPECT_EQ(fate(held, gone), Fate::Refused);
}

TEST(Preview, AsksTheDoorAndTheClassAndTheSecondOfTheRequest) {
  auto after = world();
  grid::Policy p;
  p.name = "door";
  p.permit = {{{"terminate"}, "fr"}};
  p.tenants = {"acme"};
  after.policies = {p};
  EXPECT_EQ(fate(after, served("1", "lyon", "lyon")), Fate::Same);
  EXPECT_EQ(fate(after, served("1", "lyon", "zurich")), Fate::Refused);
  EXPECT_EQ(fate(after, served("1", "lyon", "")), Fate::Same);
  auto raised = served("1", "lyon");
  raised.data_level = 3;
  EXPECT_EQ(fate(world(), raised), Fate::Refused);
  auto dated = world();
  p.name = "for now";
  p.tenants = {};
  p.permit = {{{"*"}, "*"}};
  p.permit[0].until = "2027-01-01";
  dated.policies = {p};
  auto late = served("1", "lyon");
  EXPECT_EQ(fate(dated, late), Fate::Same);
  late.second = *end_of("2027-01-01");
  EXPECT_EQ(fate(dated, late), Fate::Refused);
}

TEST(Preview, AsksWhatTheRequestItselfAskedForAgain) {
  auto after = world();
  after.tenants[0].zone = "fr";
  auto bound = served("1", "zurich");
  bound.only_sites = {"zurich", "madrid"};
  EXPECT_EQ(fate(world(), bound), Fate::Same);
  EXPECT_EQ(fate(after, bound), Fate::Refused) << "the only permitted place is none of those it named";
  bound.only_sites = {"zurich", "lyon"};
  EXPECT_EQ(fate(after, bound), Fate::Moved);
  bound.ignore_sites = {"lyon"};
  EXPECT_EQ(fate(after, bound), Fate::Refused);
  // What it wanted kept as health data is asked by the rules for that.
  auto law = world();
  grid::Policy health;
  health.name = "health";
  health.permit = {{{"*"}, "*"}, {{"*"}, "fr"}};
  health.permit[1].regimes = {"health"};
  law.policies = {health};
  EXPECT_EQ(fate(law, served("1", "zurich")), Fate::Same);
  auto ill = served("1", "zurich");
  ill.regimes = {"health"};
  EXPECT_EQ(fate(law, ill), Fate::Moved);
  ill.regimes = {};
  ill.key_regimes = {"health"};
  EXPECT_EQ(fate(law, ill), Fate::Moved);
  ill.only_sites = {"zurich"};
  EXPECT_EQ(fate(law, ill), Fate::Refused);
  Recorded denied = served("1", "");
  denied.denied = true;
  denied.only_sites = {"zurich"};
  EXPECT_EQ(fate(after, denied), Fate::Same) << "the new law opens none of the places it named";
}

TEST(Preview, CountsByTenantSiteAndRuleWithExamples) {
  auto after = world();
  after.tenants[0].zone = "fr";
  auto preview = *Preview::compile(after, 0);
  for (int n = 0; n < 5; ++n) preview.add(served("r" + std::to_string(n), n % 5 == 0 ? "lyon" : "zurich"));
  EXPECT_EQ(preview.requests(), 5U);
  ASSERT_EQ(preview.changes().size(), 1U);
  const auto& [key, tally] = *preview.changes().begin();
  EXPECT_EQ(key.fate, Fate::Moved);
  EXPECT_EQ(key.tenant, "acme");
  EXPECT_EQ(key.site, "zurich");
  EXPECT_EQ(key.rule, "home zone \"fr\" of tenant \"acme\" (no platform policy permits route)");
  EXPECT_EQ(tally.requests, 4U);
  EXPECT_THAT(tally.examples, ElementsAre("r1", "r2", "r3"));
}

}  // namespace
}  // namespace aigrid::policy
