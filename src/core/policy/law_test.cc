// The algebra of levels, classes, actions and time, by cases a reader can check.
#include "core/policy/law.h"

#include <gmock/gmock.h>

#include "core/policy/residency.h"

namespace aigrid::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kDay = 86400;

grid::Site site(const std::string& name, const std::string& jurisdiction, const std::string& op) {
  grid::Site s;
  s.name = name;
  s.jurisdiction = jurisdiction;
  s.operator_name = op;
  return s;
}

grid::Zone zone(std::string name, std::vector<std::string> jurisdictions) {
  return {std::move(name), std::move(jurisdictions), {}, {}, {}, {}};
}

// Three countries, two operators, a tenant at home in France.
grid::Inventory world() {
  grid::Inventory i;
  i.operators = {{"ami", "", {"FR"}}, {"yank", "", {"US"}}};
  i.sites = {site("berlin", "DE", "ami"), site("lyon", "FR", "ami"), site("paris", "FR", "yank"),
             site("reno", "US", "yank")};
  i.zones = {zone("de", {"DE"}), zone("eu", {"DE", "FR"}), zone("fr", {"FR"}), zone("us", {"US"})};
  grid::Tenant t;
  t.name = "t";
  t.home = "fr";
  i.tenants = {t};
  return i;
}

grid::Policy platform(std::string name, std::vector<grid::Clause> permit) {
  grid::Policy p;
  p.name = std::move(name);
  p.permit = std::move(permit);
  return p;
}

std::vector<std::string> where(const grid::Inventory& i, Action action, std::uint32_t level = 1,
                               std::vector<std::string> regimes = {}, std::int64_t second = 0) {
  const auto r = Residency::compile(i);
  if (!r.ok()) return {r.error().message};
  Subject subject;
  subject.tenant = "t";
  subject.data_level = level;
  subject.regimes = &regimes;
  subject.second = second;
  const auto set = r->allowed(subject, action);
  if (!set.ok()) return {set.error().message};
  std::vector<std::string> out;
  for (std::size_t s = 0; s < r->site_names().size(); ++s) {
    if (set->contains(static_cast<SiteIndex>(s))) out.push_back(r->site_names()[s]);
  }
  return out;
}

TEST(Law, ASilentPlatformAllowsTheHomeZoneUpToTheOrdinaryClass) {
  auto i = world();
  for (std::size_t a = 0; a < grid::kActions; ++a) {
    EXPECT_THAT(where(i, static_cast<Action>(a)), ElementsAre("lyon", "paris"));
    EXPECT_THAT(where(i, static_cast<Action>(a), 2), IsEmpty());
  }
  i.tenants[0].home.clear();
  EXPECT_THAT(where(i, Action::Process), IsEmpty()) << "nobody is global by accident";
}

TEST(Law, PermitsAreForTheirActionsAndClasses) {
  auto i = world();
  i.policies = {platform("p", {{{"process", "cache"}, "eu", 2}, {{"process"}, "us"}})};
  EXPECT_THAT(where(i, Action::Process, 1), ElementsAre("berlin", "lyon", "paris", "reno"));
  EXPECT_THAT(where(i, Action::Process, 2), ElementsAre("berlin", "lyon", "paris"));
  EXPECT_THAT(where(i, Action::Process, 3), IsEmpty());
  EXPECT_THAT(where(i, Action::Cache, 2), ElementsAre("berlin", "lyon", "paris"));
  EXPECT_THAT(where(i, Action::Terminate, 1), ElementsAre("lyon", "paris")) << "silent for it: the home zone";
}

TEST(Law, LevelsIntersectAndForbidsWin) {
  auto i = world();
  auto tenant = platform("tenant", {{{"process"}, "fr"}, {{"process"}, "us"}});
  tenant.tenants = {"t"};
  auto forbid = platform("forbid", {});
  forbid.forbid = {{{"*"}, "us", 1}};
  i.policies = {platform("all", {{{"*"}, "*", 4}}), tenant};
  EXPECT_THAT(where(i, Action::Process), ElementsAre("lyon", "paris", "reno"));
  EXPECT_THAT(where(i, Action::Cache), ElementsAre("berlin", "lyon", "paris", "reno")) << "the tenant is silent";
  EXPECT_THAT(where(i, Action::Process, 2), IsEmpty()) << "it speaks, but not for that class";
  i.policies.push_back(forbid);
  EXPECT_THAT(where(i, Action::Process), ElementsAre("lyon", "paris"));
}

TEST(Law, OperatorsSpeakForTheirOwnSites) {
  auto i = world();
  auto yank = platform("yank", {{{"process"}, "us"}});
  yank.operators = {"yank"};
  i.policies = {platform("all", {{{"*"}, "*"}}), yank};
  EXPECT_THAT(where(i, Action::Process), ElementsAre("berlin", "lyon", "reno"));
  i.sites[0].operator_name.clear();
  EXPECT_THAT(where(i, Action::Process), ElementsAre("lyon", "reno")) << "whose it is, is not stated";
}

TEST(Law, RegimesMustBeCoveredAndForbidsHoldForAnyOfThem) {
  auto i = world();
  i.policies = {platform("p", {{{"process"}, "eu", 4, {"gdpr", "hds"}}, {{"process"}, "us", 4}})};
  EXPECT_THAT(where(i, Action::Process, 1, {"gdpr"}), ElementsAre("berlin", "lyon", "paris"));
  EXPECT_THAT(where(i, Action::Process, 1, {"gdpr", "pci"}), IsEmpty()) << "a regime nobody covers";
  i.policies[0].forbid = {{{"process"}, "de", -1, {"hds", "pci"}}};
  EXPECT_THAT(where(i, Action::Process, 1, {"hds"}), ElementsAre("lyon", "paris"));
  EXPECT_THAT(where(i, Action::Process, 1, {}), ElementsAre("berlin", "lyon", "paris", "reno"));
}

TEST(Law, TransfersAddForDataThatIsAtHomeInTheirZone) {
  auto i = world();
  grid::Policy p = platform("p", {});
  p.transfer = {{{"process"}, "us", 1, {}, "2026-06-30", "eu", "adequacy"}};
  i.policies = {p};
  const std::int64_t ends = *end_of("2026-06-30");
  EXPECT_EQ(ends, *end_of("2026-07-01T00:00:00Z"));
  EXPECT_THAT(where(i, Action::Process, 1, {}, ends - 1), ElementsAre("lyon", "paris", "reno"));
  EXPECT_THAT(where(i, Action::Process, 1, {}, ends), ElementsAre("lyon", "paris")) << "an expired one is absent";
  i.policies[0].transfer[0].from = "de";
  EXPECT_THAT(where(i, Action::Process, 1, {}, 1), ElementsAre("lyon", "paris")) << "France is not in de";
}

TEST(Law, AnExpiredPermitStillSpeaks) {
  auto i = world();
  i.policies = {platform("p", {{{"process"}, "de", 1, {}, "2026-06-30"}})};
  EXPECT_THAT(where(i, Action::Process, 1, {}, 1), ElementsAre("berlin"));
  EXPECT_THAT(where(i, Action::Process, 1, {}, *end_of("2026-06-30")), IsEmpty()) << "time opens nothing";
}

TEST(Law, CertificatesExpireIntoTheUnknown) {
  auto i = world();
  i.sites[1].certs = {{"secnum", "2026-06-30"}};
  auto secure = zone("secure", {"FR"});
  secure.certs = {"secnum"};
  i.zones.push_back(secure);
  i.policies = {platform("p", {{{"process"}, "secure"}, {{"route"}, "*"}})};
  i.policies[0].forbid = {{{"route"}, "secure"}};
  const std::int64_t ends = *end_of("2026-06-30");
  EXPECT_THAT(where(i, Action::Process, 1, {}, ends - kDay), ElementsAre("lyon"));
  EXPECT_THAT(where(i, Action::Process, 1, {}, ends), IsEmpty());
  EXPECT_THAT(where(i, Action::Route), ElementsAre("berlin", "reno")) << "unknown is yes in a forbid";
  const auto r = Residency::compile(i, ends - kDay);
  EXPECT_EQ(r->good_until(), ends);
  EXPECT_EQ(Residency::compile(i, ends)->good_until(), kNoEnd);
}

// Whoever acts on a site from a place that is not allowed makes it another site; no session is asked where it is.
TEST(Law, AdminsWhoActFromElsewhereKeepTheirSiteOut) {
  auto i = world();
  i.zones.push_back(zone("own-hands", {"FR"}));
  i.zones.back().staff_within = {"FR"};
  i.policies = {platform("hands", {{{"admin", "process"}, "own-hands"}})};
  EXPECT_TRUE(where(i, Action::Admin).empty()) << "unstated is no";
  i.sites[1].staff = {"FR"};
  i.sites[2].staff = {"FR", "US"};
  EXPECT_EQ(where(i, Action::Admin), std::vector<std::string>{"lyon"});
  EXPECT_EQ(where(i, Action::Process), std::vector<std::string>{"lyon"});
}

TEST(Law, ClassesOnlyRise) {
  auto i = world();
  i.policies = {platform("p", {{{"process"}, "eu", 2}, {{"process"}, "us", 1}})};
  i.tenants[0].data_level = 2;
  EXPECT_THAT(where(i, Action::Process, 0), ElementsAre("berlin", "lyon", "paris")) << "a request lowers nothing";
  i.projects = {{"secret", "t", "", 3, {}}};
  const auto r = Residency::compile(i);
  EXPECT_TRUE(r->allowed({.tenant = "t", .project = "secret"}, Action::Process)->empty());
}

TEST(Law, DenialsNameActionLevelRuleAndWhatIsMissing) {
  auto i = world();
  auto secure = zone("secure", {"FR"});
  secure.certs = {"secnum"};
  i.zones.push_back(secure);
  i.policies = {platform("strict", {{{"process", "cache", "route", "log-meta"}, "secure", 3}})};
  const auto r = Residency::compile(i);
  const auto lyon = r->denial({.tenant = "t"}, "lyon");
  ASSERT_TRUE(lyon);
  EXPECT_EQ(to_text(*lyon),
            "route is denied at level platform: policy \"strict\" permits zone \"secure\" up to data level 3; "
            "site \"lyon\" states no cert \"secnum\"");
  i.policies.clear();
  i.tenants[0].home.clear();
  const auto nowhere = Residency::compile(i)->denial({.tenant = "t"}, "lyon");
  ASSERT_TRUE(nowhere);
  EXPECT_THAT(nowhere->rule, HasSubstr("tenant \"t\" has no home zone and no platform policy permits route"));
  EXPECT_THAT(Residency::compile(i)->rules({.tenant = "t", .data_level = 3}),
              ElementsAre("no platform policy permits route, which data level 3 needs"));
}

TEST(Law, WhatCannotBeMeantIsRefusedWithItsPlace) {
  const auto refusal = [](const grid::Policy& p) {
    auto i = world();
    i.policies = {p};
    const auto r = Residency::compile(i);
    return r.ok() ? std::string("accepted") : r.error().message;
  };
  EXPECT_THAT(refusal(platform("p", {})), HasSubstr("policy \"p\": says nothing"));
  EXPECT_THAT(refusal(platform("p", {{{"run"}, "eu"}})), HasSubstr("permit 0: \"run\" is no action"));
  EXPECT_THAT(refusal(platform("p", {{{"process"}, "euu"}})), HasSubstr("did you mean \"eu\"?"));
  auto forever = platform("p", {});
  forever.forbid = {{{"process"}, "us", -1, {}, "2027-01-01"}};
  EXPECT_THAT(refusal(forever), HasSubstr("a forbid stays until it is removed"));
  auto star = platform("p", {{{"*"}, "fr"}});
  star.tenants = {"t"};
  EXPECT_THAT(refusal(star), HasSubstr("\"*\" is for level platform only"));
  auto key = platform("p", {{{"process"}, "fr"}});
  key.level = "key";
  EXPECT_THAT(refusal(key), HasSubstr("keys and requests only narrow, by zone"));
  EXPECT_THAT(refusal(platform("p", {{{"process"}, "fr", 1, {}, "31.12.2026"}})), HasSubstr("is no date"));
}

TEST(Dates, EndAtTheEndOfTheirDay) {
  EXPECT_EQ(*end_of(""), kNoEnd);
  EXPECT_EQ(*end_of("1970-01-01"), kDay);
  EXPECT_EQ(*end_of("2000-02-29T00:00:01Z"), 951782401);
  for (const char* bad : {"2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "1969-12-31", "2026-01-01T24:00:00Z",
                          "2026-01-01 ", "tomorrow"}) {
    EXPECT_FALSE(end_of(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace aigrid::policy
