#include "core/policy/diff.h"

#include <gmock/gmock.h>

namespace aigrid::policy {
namespace {

using ::testing::ElementsAre;

grid::Inventory world() {
  grid::Inventory i;
  for (const auto& [name, cell] : {std::pair("lyon", "FR"), std::pair("paris", "FR"), std::pair("zurich", "CH")}) {
    grid::Site s;
    s.name = name;
    s.jurisdiction = cell;
    i.sites.push_back(s);
  }
  i.zones = {{"both", {"CH", "FR"}, {}, {}, {}, {}}, {"ch", {"CH"}, {}, {}, {}, {}}, {"fr", {"FR"}, {}, {}, {}, {}}};
  grid::Tenant t;
  t.name = "acme";
  t.home = "ch";
  i.tenants = {t};
  return i;
}

std::vector<std::string> lines(const grid::Inventory& before, const grid::Inventory& after) {
  const auto shifts = diff(before, after, 0);
  if (!shifts.ok()) return {shifts.error().message};
  std::vector<std::string> out;
  for (const auto& s : *shifts) {
    for (auto& line : to_text(s)) out.push_back(std::move(line));
  }
  return out;
}

grid::Policy permit(std::string zone, std::int32_t level, std::vector<std::string> regimes = {}) {
  grid::Policy p;
  p.name = "p";
  p.permit = {{{"process"}, std::move(zone), level, std::move(regimes)}};
  return p;
}

TEST(Diff, SaysWhoGainsAndLosesWhichSitesForWhat) {
  const auto before = world();
  auto after = before;
  EXPECT_TRUE(lines(before, after).empty());
  after.policies = {permit("fr", 2)};
  EXPECT_THAT(
      lines(before, after),
      ElementsAre("makes 2 more sites eligible for tenant \"acme\", action process, data level 0 to 2: lyon, paris",
                  "makes 1 fewer site eligible for tenant \"acme\", action process, data level 0 to 2: zurich"));
  EXPECT_TRUE(widens(*diff(before, after, 0)));
  auto narrower = after;
  narrower.policies[0].forbid = {{{"process"}, "both", 2}};
  EXPECT_FALSE(widens(*diff(after, narrower, 0)));
  EXPECT_THAT(
      lines(after, narrower),
      ElementsAre("makes 2 fewer sites eligible for tenant \"acme\", action process, data level 2: lyon, paris"));
  EXPECT_TRUE(widens(*diff(narrower, after, 0)));
}

TEST(Diff, FindsWhatShowsOnlyUnderARegimeOrForAModel) {
  auto before = world();
  before.policies = {permit("both", 4, {"a"}), permit("both", 4, {"b"})};
  before.policies[1].name = "q";
  auto after = before;
  after.policies[0].permit[0].regimes = {"a", "b"};
  EXPECT_TRUE(widens(*diff(before, after, 0))) << "only a request under both regimes can tell";
  grid::Model m;
  m.name = "llama";
  before.models = {m};
  auto licensed = before;
  licensed.models[0].zone = "fr";
  const auto shifts = diff(before, licensed, 0);
  ASSERT_TRUE(shifts.ok());
  EXPECT_FALSE(widens(*shifts));
  ASSERT_FALSE(shifts->empty());
  EXPECT_EQ((*shifts)[0].model, "llama");
  EXPECT_THAT((*shifts)[0].lost, ElementsAre("zurich"));
}

TEST(Diff, AClaimOfASiteWidensASiteThatComesDoesToo) {
  auto before = world();
  before.zones.push_back({"sure", {"FR"}, {}, {}, {}, {}});
  before.zones.back().certs = {"hds"};
  before.policies = {permit("sure", 1)};
  auto after = before;
  after.sites[0].certs = {{"hds", "2030-01-01"}};
  EXPECT_TRUE(widens(*diff(before, after, 0)));
  auto grown = before;
  grown.sites.push_back(after.sites[0]);
  grown.sites.back().name = "nice";
  EXPECT_TRUE(widens(*diff(before, grown, 0)));
  EXPECT_FALSE(widens(*diff(grown, before, 0)));
  auto moved = before;
  moved.sites[2].jurisdiction = "FR";
  EXPECT_TRUE(widens(*diff(before, moved, 0))) << "zone fr has one more";
}

TEST(Diff, AccountsThatAreAlikeAreEachTold) {
  auto before = world();
  for (const char* name : {"beta", "gamma"}) {
    grid::Tenant t;
    t.name = name;
    t.home = "ch";
    before.tenants.push_back(t);
  }
  before.projects = {{"p", "beta", "ch"}};
  auto after = before;
  after.policies = {permit("fr", 1)};
  after.policies[0].tenants = {"acme", "beta"};
  after.policies[0].level = "platform";
  std::vector<std::string> told;
  const auto shifts = diff(before, after, 0);
  for (const auto& s : *shifts) {
    EXPECT_TRUE(s.widens() || s.project == "p") << "a project in ch gains nothing in fr";
    told.push_back(s.tenant + "/" + s.project);
  }
  EXPECT_THAT(told, ElementsAre("acme/", "beta/", "beta/p"));
}

TEST(Diff, SeesWhatAnOperatorsLawOpens) {
  auto before = world();
  before.operators = {{"op", "", {"FR", "US"}}};
  before.sites[0].operator_name = "op";
  before.zones.push_back({"own", {"FR"}, {}, {}, {}, {}});
  before.zones.back().control_within = {"FR"};
  before.policies = {permit("own", 1)};
  auto after = before;
  after.operators[0].control = {"FR"};
  EXPECT_TRUE(widens(*diff(before, after, 0)));
  EXPECT_FALSE(widens(*diff(after, before, 0)));
}

// What goes and comes back had nothing in between.
TEST(Diff, WhoComesGainsWhatHeThenHas) {
  const auto held = world();
  auto gone = held;
  gone.tenants.clear();
  EXPECT_FALSE(widens(*diff(held, gone, 0)));
  auto back = held;
  back.tenants[0].home = "both";
  EXPECT_TRUE(widens(*diff(gone, back, 0)));
  EXPECT_TRUE(widens(*diff(gone, held, 0)));
  auto licensed = held;
  grid::Model m;
  m.name = "llama";
  m.zone = "fr";
  licensed.models = {m};
  EXPECT_FALSE(widens(*diff(licensed, held, 0))) << "a model that goes runs nowhere";
  auto freed = licensed;
  freed.models[0].zone = "";
  EXPECT_TRUE(widens(*diff(held, freed, 0)));
  EXPECT_TRUE(widens(*diff(licensed, freed, 0)));
  auto hidden = freed;
  hidden.models[0].tenants = {"other"};
  EXPECT_TRUE(widens(*diff(hidden, freed, 0))) << "acme sees it now";
  auto project = held;
  project.projects.push_back({"p", "acme", "fr"});
  EXPECT_FALSE(widens(*diff(held, project, 0))) << "it has less than its tenant had";
}

TEST(Diff, ComparesKeysThatChange) {
  auto before = world();
  grid::ApiKey k;
  k.kid = "0123456789abcdef";
  k.tenant = "acme";
  k.zone = "ch";
  before.tenants[0].home = "both";
  before.keys = {k};
  const auto with = [&](auto change) {
    auto after = before;
    change(after.keys[0]);
    return after;
  };
  EXPECT_TRUE(diff(before, before, 0)->empty());
  const auto wider = with([](auto& key) { key.zone = "both"; });
  EXPECT_TRUE(widens(*diff(before, wider, 0)));
  EXPECT_FALSE(widens(*diff(wider, before, 0)));
  const auto revoked = with([](auto& key) { key.revoked = true; });
  EXPECT_FALSE(widens(*diff(before, revoked, 0)));
  EXPECT_TRUE(widens(*diff(revoked, before, 0)));
  const auto bound = with([](auto& key) { key.models = {"llama"}; });
  EXPECT_TRUE(widens(*diff(bound, before, 0)));
  const auto raised = with([](auto& key) { key.data_level = 2; });
  EXPECT_TRUE(widens(*diff(raised, before, 0))) << "level 2 was denied everywhere";
  const auto brief = with([](auto& key) { key.expires_unix_s = 1000; });
  EXPECT_TRUE(widens(*diff(brief, before, 0))) << "from its end on";
  EXPECT_FALSE(widens(*diff(before, brief, 0)));
  auto none = before;
  none.keys.clear();
  EXPECT_TRUE(widens(*diff(none, before, 0))) << "somebody may have kept it";
}

TEST(Diff, ALaterEndWidensFromTheEarlierOneOn) {
  auto before = world();
  before.policies = {permit("fr", 2)};
  before.policies[0].permit[0].until = "2027-03-01";
  auto after = before;
  after.policies[0].permit[0].until = "2028-03-01";
  const auto shifts = diff(before, after, 0);
  ASSERT_TRUE(widens(*shifts));
  EXPECT_THAT(to_text(shifts->front()),
              ElementsAre("from 2027-03-02 on makes 2 more sites eligible for tenant \"acme\", action process, data "
                          "level 0 to 2: lyon, paris"));
  EXPECT_FALSE(widens(*diff(after, before, 0)));
  auto claim = world();
  claim.zones.push_back({"sure", {"FR"}, {}, {}, {}, {}});
  claim.zones.back().certs = {"hds"};
  claim.policies = {permit("sure", 1)};
  claim.sites[0].certs = {{"hds", "2027-01-01"}};
  auto renewed = claim;
  renewed.sites[0].certs[0].until = "2029-01-01";
  EXPECT_TRUE(widens(*diff(claim, renewed, 0)));
}

TEST(Diff, ComparesWhatRequestsAndKeysName) {
  auto before = world();
  before.sites[0].hosts = {{"fr.api.example", "fr"}};
  auto zone = before;
  zone.zones[2].jurisdictions.push_back("CH");
  const auto shifts = diff(before, zone, 0);
  ASSERT_TRUE(widens(*shifts));
  EXPECT_THAT(lines(before, zone),
              ::testing::Contains("makes 1 more site eligible for keys and requests that name zone \"fr\": zurich"));
  auto host = before;
  host.sites[0].hosts = {};
  EXPECT_THAT(lines(before, host),
              ElementsAre("makes 1 more site eligible for requests that come by the name \"fr.api.example\" at site "
                          "\"lyon\": zurich"));
  EXPECT_FALSE(widens(*diff(host, before, 0)));
  auto cut = before;
  cut.zones.push_back({"embargo", {"FR"}, {}, {}, {}, {}});
  cut.policies = {permit("both", 1)};
  cut.policies[0].forbid = {{{"process"}, "embargo", -1}};
  auto more = cut;
  more.zones.back().jurisdictions.push_back("CH");
  EXPECT_FALSE(widens(*diff(cut, more, 0))) << "a zone that only cuts";
}

}  // namespace
}  // namespace aigrid::policy
