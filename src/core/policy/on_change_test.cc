// Where a stream may go on for a while after a change of the law.
#include "core/policy/on_change.h"

#include <gmock/gmock.h>

#include "core/policy/residency.h"

namespace aigrid::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

grid::Site site(std::string name, std::string jurisdiction) {
  grid::Site s;
  s.name = std::move(name);
  s.country = s.jurisdiction = std::move(jurisdiction);
  s.operator_name = "telco";
  return s;
}

grid::Clause clause(std::vector<std::string> actions, std::string zone) {
  grid::Clause c;
  c.actions = std::move(actions);
  c.zone = std::move(zone);
  return c;
}

grid::Policy bound(std::string name, std::string zone, std::string on_change) {
  grid::Policy p;
  p.name = std::move(name);
  p.tenants = {"acme"};
  p.zone = std::move(zone);
  p.on_change = std::move(on_change);
  return p;
}

// Three countries, a tenant without a zone of its own, a platform that permits all.
grid::Inventory three() {
  grid::Inventory in;
  in.operators = {{"telco", "", {"FR"}}};
  in.sites = {site("berlin", "DE"), site("lyon", "FR"), site("zurich", "CH")};
  for (const char* country : {"DE", "FR", "CH"}) {
    grid::Zone zone;
    zone.name = country;
    zone.jurisdictions = {country};
    in.zones.push_back(zone);
  }
  grid::Tenant acme;
  acme.name = "acme";
  in.tenants = {acme};
  grid::Policy anywhere;
  anywhere.name = "anywhere";
  anywhere.permit = {clause({"*"}, "*")};
  in.policies = {anywhere};
  return in;
}

std::vector<std::string> lingering(const grid::Inventory& in, std::string_view key_zone = {}) {
  const auto r = Residency::compile(in);
  EXPECT_TRUE(r.ok()) << r.error().message;
  if (!r.ok()) return {"error"};
  const auto sites = r->lingering({.tenant = "acme", .key_zone = key_zone});
  std::vector<std::string> out;
  for (std::size_t i = 0; i < r->site_names().size(); ++i) {
    if (sites.contains(static_cast<SiteIndex>(i))) out.push_back(r->site_names()[i]);
  }
  return out;
}

TEST(OnChange, CutIsTheDefault) {
  grid::Inventory in = three();
  EXPECT_THAT(lingering(in), IsEmpty());
  in.policies.push_back(bound("home", "FR", ""));
  EXPECT_THAT(lingering(in), IsEmpty());
  in.policies.back().on_change = "cut";
  EXPECT_THAT(lingering(in), IsEmpty());
  in.policies.back().on_change = "drain";
  EXPECT_THAT(lingering(in), ElementsAre("berlin", "lyon", "zurich"));
  in.policies.back().on_change = "wait";
  const auto r = Residency::compile(in);
  ASSERT_FALSE(r.ok());
  EXPECT_THAT(r.error().message, HasSubstr("on_change \"wait\" is neither cut nor drain"));
}

// Nothing begins where only what runs may be.
TEST(OnChange, ItPermitsNothing) {
  grid::Inventory in = three();
  in.policies.push_back(bound("home", "FR", "drain"));
  const auto r = Residency::compile(in);
  ASSERT_TRUE(r.ok());
  const auto permit = r->permitted({.tenant = "acme"});
  EXPECT_EQ(permit->sites.size(), 1U);
  EXPECT_FALSE(r->permits({.tenant = "acme"}, "zurich"));
}

TEST(OnChange, WhoeverForbidsAndCutsPrevails) {
  grid::Inventory in = three();
  in.policies.push_back(bound("home", "FR", "drain"));
  in.policies.push_back(bound("strict", "FR", ""));
  EXPECT_THAT(lingering(in), ElementsAre("lyon"));
  in.policies.back() = bound("strict", "", "");
  in.policies.back().forbid = {clause({"process"}, "CH")};
  EXPECT_THAT(lingering(in), ElementsAre("berlin", "lyon"));
  in.policies.back().on_change = "drain";
  EXPECT_THAT(lingering(in), ElementsAre("berlin", "lyon", "zurich"));
  in.policies.back() = bound("permits", "", "");  // beside a permit that drains: it does not permit the others either
  in.policies.back().permit = {clause({"process", "cache"}, "DE")};
  EXPECT_THAT(lingering(in), ElementsAre("berlin"));
}

TEST(OnChange, ZonesOfWhoAsksAlwaysCut) {
  grid::Inventory in = three();
  in.policies.push_back(bound("home", "FR", "drain"));
  EXPECT_THAT(lingering(in, "CH"), ElementsAre("zurich"));
  in.tenants[0].zone = "DE";
  EXPECT_THAT(lingering(in), ElementsAre("berlin"));
}

// A transfer whose mechanism is withdrawn: the platform's own law, which is never silent.
TEST(OnChange, ThePlatformMayLetGoOnToo) {
  grid::Inventory in = three();
  in.tenants[0].home = "FR";
  auto& platform = in.policies[0];
  platform.permit = {clause({"*"}, "FR")};
  platform.permit[0].data_level = 0;
  platform.on_change = "drain";
  EXPECT_THAT(lingering(in), ElementsAre("berlin", "lyon", "zurich"));
  grid::Policy strict;
  strict.name = "strict";
  strict.permit = {clause({"*"}, "FR")};
  in.policies.push_back(strict);
  EXPECT_THAT(lingering(in), ElementsAre("lyon")) << "and one that cuts permits no more";
}

}  // namespace
}  // namespace aigrid::policy
