#include "core/routing/tables.h"

#include <gmock/gmock.h>

#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const grid::Inventory& i) {
  const auto t = compile(i);
  return t.ok() ? "accepted" : t.error().message;
}

TEST(Tables, NamesBecomeIndicesInOrderOfNames) {
  auto i = test_inventory(four_cities());
  std::reverse(i.sites.begin(), i.sites.end());
  std::reverse(i.nodes.begin(), i.nodes.end());
  const auto t = *compile(i);
  EXPECT_EQ(t->find_site("frankfurt"), 0);
  EXPECT_EQ(t->find_site("paris"), 3);
  EXPECT_EQ(t->find_site("rome"), std::nullopt);
  EXPECT_EQ(t->nodes[*t->find_node("lyon-1")].site, *t->find_site("lyon"));
  EXPECT_EQ(t->residency.find_site("madrid"), t->find_site("madrid"));
  EXPECT_THAT(t->deployments[0].site_list, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(t->deployments[0].context_tokens, 2048U);
}

TEST(Tables, PriorsAreGreatCirclesUnlessALinkSaysMore) {
  auto i = test_inventory(four_cities());
  grid::Link l;
  l.name = "lyon-paris";
  l.a = "lyon";
  l.b = "paris";
  l.rtt_ms = 9.5;
  i.links = {l};
  const auto t = *compile(i);
  // Frankfurt to Paris: 478 km of great circle.
  EXPECT_NEAR(t->prior_rtt(0, 3), 478 * 1.5 * 0.01, 0.1);
  EXPECT_EQ(t->prior_rtt(0, 3), t->prior_rtt(3, 0));
  EXPECT_FLOAT_EQ(t->prior_rtt(1, 3), 9.5F);
  EXPECT_FLOAT_EQ(t->prior_rtt(2, 2), 0);
}

TEST(Tables, PricesFollowTheTenantsBook) {
  auto i = test_inventory(four_cities());
  i.price_books = {{"list", "EUR", {{"chat", 100, 300}}}};
  i.tenants = {{"free", "", "", ""}, {"paying", "", "", "list"}};
  const auto t = *compile(i);
  EXPECT_EQ(t->price(*t->find_tenant("paying"), 0).output_nano, 300);
  EXPECT_EQ(t->price(*t->find_tenant("free"), 0).output_nano, 0);
  EXPECT_EQ(t->price(99, 0).output_nano, 0);
}

TEST(Tables, ModelsAnswerToTheirAliasesAndToTheirTenants) {
  auto i = test_inventory(four_cities());
  i.models[0].aliases = {"gpt"};
  i.models[0].tenants = {"free"};
  i.tenants.push_back({"other", "", "", ""});
  const auto t = *compile(i);
  EXPECT_EQ(t->find_model("gpt"), 0);
  EXPECT_TRUE(t->models[0].visible_to(*t->find_tenant("free")));
  EXPECT_FALSE(t->models[0].visible_to(*t->find_tenant("other")));
}

TEST(Tables, ABundleThatDanglesIsRefusedWhole) {
  const auto base = test_inventory(four_cities());
  auto i = base;
  i.nodes[0].site = "frankfurtt";
  EXPECT_THAT(refusal(i),
              HasSubstr("node \"frankfurt-1\": site \"frankfurtt\" does not exist: did you mean \"frankfurt\"?"));
  i = base;
  i.deployments[0].nodes.push_back("lyon-9");
  EXPECT_THAT(refusal(i), HasSubstr("deployment \"chat-all\": node \"lyon-9\" does not exist"));
  i = base;
  i.deployments[0].model = "chatt";
  EXPECT_THAT(refusal(i), HasSubstr("model \"chatt\" does not exist"));
  i = base;
  i.sites[1].operator_name = "telcoo";
  EXPECT_THAT(refusal(i), HasSubstr("operator \"telcoo\" does not exist"));
  i = base;
  i.sites.push_back(i.sites[0]);
  EXPECT_THAT(refusal(i), HasSubstr("site \"frankfurt\" is defined twice"));
  i = base;
  i.tenants[0].price_book = "none";
  EXPECT_THAT(refusal(i), HasSubstr("price_book \"none\" does not exist"));
  i = base;
  i.models.push_back(i.models[0]);
  i.models[1].name = "other";
  i.models[1].aliases = {"chat"};
  EXPECT_THAT(refusal(i), HasSubstr("alias \"chat\" already means model \"chat\""));
}

}  // namespace
}  // namespace aigrid::routing
