// What a site judges for itself of an attempt that another site's ingress asks for.
#include "app/gateway/grants.h"

#include <gtest/gtest.h>

#include "core/routing/test_grid.h"

namespace aigrid::gateway {
namespace {

grid::Inventory licensed() {
  auto i = routing::test_inventory({{"lyon", 45.8, 4.8}, {"zurich", 47.4, 8.5, 1, "CH"}});
  i.zones = {{"ch", {"CH"}, {}, {}, {}, {}}, {"fr", {"FR"}, {}, {}, {}, {}}};
  i.tenants.push_back({"mairie", "", "fr", ""});
  grid::Model m = i.models[0];
  m.name = "export";
  m.zone = "ch";
  i.models.push_back(m);
  grid::Deployment d = i.deployments[0];
  d.name = "export-all";
  d.model = "export";
  i.deployments.push_back(d);
  return i;
}

inner::Ask ask(const std::string& deployment, const std::string& model) {
  inner::Ask out;
  out.tenant = "free";
  out.site = "lyon";
  out.deployment = deployment;
  out.model = model;
  return out;
}

std::string judge(const inner::Ask& asked, std::string_view ingress = "zurich", std::string_view via = {}) {
  static const auto tables = *routing::compile(licensed());
  const auto refused = judge_hosting(*tables, "lyon", asked, {ingress, via}, 0);
  return refused ? refused->code : "hosted";
}

TEST(Hosting, IsJudgedForTheModelThatWouldRun) {
  EXPECT_EQ(judge(ask("chat-all", "chat")), "hosted");
  EXPECT_EQ(judge(ask("export-all", "export")), "data_residency_mismatch") << "its licence ends at the border";
  EXPECT_EQ(judge(ask("export-all", "chat")), "wrong_model") << "a freer model's name does not bring it here";
  EXPECT_EQ(judge(ask("nowhere", "chat")), "no_deployment");
}

TEST(Hosting, IsForThisSiteThisTenantAndADoorThatMayBe) {
  auto asked = ask("chat-all", "chat");
  asked.site = "zurich";
  EXPECT_EQ(judge(asked), "wrong_site");
  asked = ask("chat-all", "chat");
  asked.tenant = "mairie";
  EXPECT_EQ(judge(asked), "hosted");
  asked.zones = {"ch"};
  EXPECT_EQ(judge(asked), "data_residency_mismatch");
  asked = ask("chat-all", "chat");
  asked.tenant = "nobody";
  EXPECT_EQ(judge(asked), "data_residency_mismatch");
  EXPECT_EQ(judge(ask("chat-all", "chat"), "atlantis"), "data_residency_mismatch") << "a door that no bundle knows";
  EXPECT_EQ(judge(ask("chat-all", "chat"), "zurich", "lyon"), "hosted");
  EXPECT_EQ(judge(ask("chat-all", "chat"), "zurich", "atlantis"), "data_residency_mismatch")
      << "passed on by a stranger";
}

}  // namespace
}  // namespace aigrid::gateway
