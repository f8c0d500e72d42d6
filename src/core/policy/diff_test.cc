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
  auto licensed = before;
  grid::Model m;
  m.name = "llama";
  m.zone = "fr";
  licensed.models = {m};
  const auto shifts = diff(before, licensed, 0);
  ASSERT_TRUE(shifts.ok());
  EXPECT_FALSE(widens(*shifts));
  ASSERT_FALSE(shifts->empty());
  EXPECT_EQ((*shifts)[0].model, "llama");
  EXPECT_THAT((*shifts)[0].lost, ElementsAre("zurich"));
}

TEST(Diff, AClaimOfASiteWidensASiteThatComesDoesNot) {
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
  EXPECT_TRUE(diff(before, grown, 0)->empty()) << "it is in zones that were there";
  auto tenant = before;
  tenant.tenants.push_back({"new", "", "", ""});
  EXPECT_TRUE(diff(before, tenant, 0)->empty());
}

}  // namespace
}  // namespace aigrid::policy
