#include "core/policy/placing.h"

#include <gmock/gmock.h>

namespace aigrid::policy {
namespace {

using ::testing::HasSubstr;

grid::Inventory inventory() {
  grid::Inventory i;
  for (const char* name : {"lyon", "zurich"}) {
    grid::Site s;
    s.name = name;
    s.jurisdiction = i.sites.empty() ? "FR" : "CH";
    i.sites.push_back(s);
    grid::Node n;
    n.name = std::string(name) + "-1";
    n.site = name;
    i.nodes.push_back(n);
  }
  i.zones = {{"fr", {"FR"}, {}, {}, {}, {}}};
  i.tenants = {{"mairie", "", "fr", ""}};
  grid::Model m;
  m.name = "chat";
  i.models = {m};
  grid::Deployment d;
  d.name = "chat";
  d.model = "chat";
  d.nodes = {"lyon-1", "zurich-1"};
  i.deployments = {d};
  return i;
}

std::vector<Misplaced> ask(const grid::Inventory& i) {
  const auto r = Residency::compile(i);
  EXPECT_TRUE(r.ok());
  return misplaced(*r, i, i.deployments[0]);
}

TEST(Placing, NoTenantThereIsARefusalThatNamesTheRule) {
  auto i = inventory();
  auto wrong = ask(i);
  ASSERT_EQ(wrong.size(), 1U);
  EXPECT_EQ(wrong[0].node, 1U);
  EXPECT_THAT(wrong[0].why, HasSubstr("site \"zurich\""));
  EXPECT_THAT(wrong[0].why, HasSubstr("tenant \"mairie\""));
  i.tenants.push_back({"free", "", "", ""});
  EXPECT_EQ(ask(i).size(), 1U) << "a tenant without a zone and without a platform permit may use it nowhere";
  grid::Policy anywhere;
  anywhere.name = "anywhere";
  anywhere.permit = {{{"*"}, "*"}};
  i.policies = {anywhere};
  EXPECT_TRUE(ask(i).empty());
  i.models[0].tenants = {"mairie"};
  EXPECT_EQ(ask(i).size(), 1U) << "the tenants that may see it";
}

TEST(Placing, ALicenceIsAZoneOfTheModel) {
  auto i = inventory();
  i.tenants.clear();
  EXPECT_TRUE(ask(i).empty()) << "nobody is there yet who could be asked";
  i.models[0].zone = "fr";
  const auto wrong = ask(i);
  ASSERT_EQ(wrong.size(), 1U);
  EXPECT_THAT(wrong[0].why, HasSubstr("may execute in zone \"fr\" only; site \"zurich\" has jurisdiction CH"));
}

TEST(Placing, WhatStandsIsToldWhenTheLawLeavesItOrAClaimExpires) {
  auto i = inventory();
  i.tenants.clear();
  EXPECT_TRUE(standing(i, 0)->forbidden.empty());
  i.zones.push_back({"sure", {"FR"}, {}, {}, {}, {}});
  i.zones.back().certs = {"hds"};
  i.models[0].zone = "sure";
  i.sites[0].certs = {{"hds", "2027-01-01"}};
  ASSERT_EQ(i.sites[0].name, "lyon");
  auto now = *standing(i, 0);
  EXPECT_EQ(now.forbidden["chat"].size(), 1U) << "zurich alone";
  const std::int64_t end = *end_of("2027-01-01");
  EXPECT_EQ(now.good_until, end);
  now = *standing(i, end);
  ASSERT_EQ(now.forbidden["chat"].size(), 2U);
  EXPECT_THAT(now.forbidden["chat"][0], HasSubstr("on node lyon-1: model"));
  const auto r = Residency::compile(i, end);
  EXPECT_THAT(model_forbidden(*r, i, i.models[0], "lyon", end), HasSubstr("may execute in zone \"sure\" only"));
  EXPECT_EQ(model_forbidden(*Residency::compile(i, 0), i, i.models[0], "lyon", 0), "");
}

}  // namespace
}  // namespace aigrid::policy
