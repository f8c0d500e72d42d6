#include "core/policy/residency.h"

#include <gmock/gmock.h>

namespace aigrid::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

grid::Site site(std::string name, std::string jurisdiction, std::string op = "telco") {
  grid::Site s;
  s.name = std::move(name);
  s.jurisdiction = std::move(jurisdiction);
  s.country = s.jurisdiction.substr(0, 2);
  s.operator_name = std::move(op);
  return s;
}

grid::Zone zone(std::string name, std::vector<std::string> jurisdictions, std::vector<std::string> include = {},
                std::vector<std::string> exclude = {}) {
  return {std::move(name), std::move(jurisdictions), std::move(include), std::move(exclude), {}, {}};
}

grid::Inventory europe() {
  grid::Inventory i;
  i.operators = {{"abroad", "", {"US"}}, {"mute", "", {}}, {"telco", "", {"FR", "DE"}}};
  i.sites = {site("frankfurt", "DE"), site("lyon", "FR"), site("paris", "FR", "abroad"), site("zurich", "CH")};
  auto sovereign = zone("fr-sovereign", {}, {"fr"});
  sovereign.control_within = {"FR", "DE"};
  i.zones = {zone("eu", {"DE"}, {"fr"}), zone("fr", {"FR"}), sovereign};
  i.tenants = {{"free", "", "", ""}, {"mairie", "", "fr", ""}};
  i.projects = {{"archive", "mairie", "fr-sovereign"}};
  grid::Policy anywhere;
  anywhere.name = "anywhere";
  anywhere.permit = {{{"*"}, "*"}};
  i.policies = {anywhere};
  return i;
}

std::vector<std::string> names(const Residency& r, const SiteSet& sites) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < r.site_names().size(); ++i) {
    if (sites.contains(static_cast<SiteIndex>(i))) out.push_back(r.site_names()[i]);
  }
  return out;
}

std::string refusal(const grid::Inventory& i) {
  const auto r = Residency::compile(i);
  return r.ok() ? "accepted" : r.error().message;
}

TEST(Residency, LevelsIntersectAndAreNamed) {
  const auto r = Residency::compile(europe());
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_THAT(names(*r, r->permitted({.tenant = "free"})->sites), ElementsAre("frankfurt", "lyon", "paris", "zurich"));
  const auto p = r->permitted({.tenant = "mairie", .project = "archive"});
  EXPECT_THAT(names(*r, p->sites), ElementsAre("lyon"));
  EXPECT_THAT(r->rules({.tenant = "mairie", .project = "archive"}),
              ElementsAre("tenant \"mairie\" zone \"fr\"", "project \"archive\" zone \"fr-sovereign\""));
  const std::vector<std::string> wishes{"eu"};
  const auto q = r->permitted({.tenant = "free", .key_zone = "fr", .zones = &wishes});
  EXPECT_THAT(names(*r, q->sites), ElementsAre("lyon", "paris"));
  EXPECT_TRUE(r->permits({.tenant = "mairie"}, "paris"));
  EXPECT_FALSE(r->permits({.tenant = "mairie"}, "frankfurt"));
  EXPECT_FALSE(r->permits({.tenant = "nobody"}, "paris"));
  EXPECT_FALSE(r->permits({.tenant = "free"}, "atlantis"));
}

TEST(Residency, PoliciesBindTenantsProjectsAndModels) {
  auto i = europe();
  i.models.emplace_back();
  i.models[0].name = "chat";
  i.models[0].aliases = {"gpt"};
  i.policies.push_back({"all-eu", {}, {}, "eu"});
  i.policies.push_back({"chat-fr", {"free"}, {"gpt"}, "fr"});
  const auto r = Residency::compile(i);
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_THAT(names(*r, r->permitted({.tenant = "free"})->sites), ElementsAre("frankfurt", "lyon", "paris"));
  EXPECT_THAT(names(*r, r->permitted({.tenant = "free", .model = "chat"})->sites), ElementsAre("lyon", "paris"));
  i.policies[2].tenants = {"fre"};
  EXPECT_THAT(refusal(i), HasSubstr("policy \"chat-fr\": rule tenants names \"fre\""));
}

TEST(Residency, UnknownNamesAreErrorsWithTheNearest) {
  const auto r = Residency::compile(europe());
  const std::vector<std::string> typo{"fr-soverein"};
  const auto p = r->permitted({.tenant = "free", .zones = &typo});
  ASSERT_FALSE(p.ok());
  EXPECT_EQ(p.error().code, Code::NotFound);
  EXPECT_THAT(p.error().message, HasSubstr("zone \"fr-soverein\" does not exist: did you mean \"fr-sovereign\"?"));
  EXPECT_FALSE(r->permitted({.tenant = "free", .project = "archive"}).ok()) << "a project of another tenant";
}

TEST(Residency, UnstatedFactsAreNoInAPermitAndYesInAnExclusion) {
  auto i = europe();
  i.sites.push_back(site("attic", "FR", "mute"));
  i.sites.push_back(site("cellar", "", "telco"));
  auto risky = zone("risky", {"FR", "DE"});
  risky.require = {{"flood", "yes"}};
  i.zones.push_back(risky);
  i.zones.push_back(zone("dry", {"FR", "DE"}, {}, {"risky"}));
  i.sites[0].attributes["flood"] = "no";
  i.sites[1].attributes["flood"] = "yes";
  const auto r = Residency::compile(i);
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_THAT(names(*r, *r->zone("fr-sovereign")), ElementsAre("lyon"));
  EXPECT_THAT(names(*r, *r->zone("risky")), ElementsAre("lyon"));
  EXPECT_THAT(names(*r, *r->zone("dry")), ElementsAre("frankfurt"));
}

TEST(Residency, JurisdictionsCoverTheirSubdivisionsOnly) {
  grid::Inventory i;
  i.sites = {site("reno", "US"), site("sanjose", "US-CA"), site("use", "USE")};
  i.zones = {zone("us", {"US"}), zone("ca", {"US-CA"}), zone("not-ca", {"US"}, {}, {"ca"})};
  const auto r = Residency::compile(i);
  EXPECT_THAT(names(*r, *r->zone("us")), ElementsAre("reno", "sanjose"));
  EXPECT_THAT(names(*r, *r->zone("ca")), ElementsAre("sanjose"));
  EXPECT_THAT(names(*r, *r->zone("not-ca")), ElementsAre()) << "where in the US reno stands is not stated";
  EXPECT_THAT(r->deserted_zones(), ElementsAre("not-ca"));
}

TEST(Residency, BadZonesAreNamedWithTheirRule) {
  auto i = europe();
  i.zones.push_back(zone("void", {}));
  EXPECT_THAT(refusal(i), HasSubstr("zone \"void\" is empty: rule jurisdictions"));
  i.zones.back() = zone("loop", {"FR"}, {"eu"}, {"loop2"});
  i.zones.push_back(zone("loop2", {"DE"}, {"loop"}));
  EXPECT_THAT(refusal(i),
              HasSubstr("zone \"loop\" is cyclic: rules include and exclude lead back to it: loop → loop2"));
  i = europe();
  i.zones.push_back(zone("x", {"FR"}, {}, {"eux"}));
  EXPECT_THAT(refusal(i),
              HasSubstr("zone \"x\": rule exclude names zone \"eux\", which does not exist: did you mean \"eu\"?"));
  i = europe();
  i.zones.push_back(zone("fr", {"DE"}));
  EXPECT_THAT(refusal(i), HasSubstr("zone \"fr\" is defined twice"));
  i = europe();
  i.tenants[1].zone = "frr";
  EXPECT_THAT(refusal(i),
              HasSubstr("tenant \"mairie\": rule zone names \"frr\", which does not exist: did you mean \"fr\"?"));
}

}  // namespace
}  // namespace aigrid::policy
