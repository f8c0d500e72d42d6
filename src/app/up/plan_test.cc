#include "app/up/plan.h"

#include <gtest/gtest.h>

#include "format/api/yaml.h"

namespace aigrid::up {
namespace {

constexpr const char* kSmall = R"(
apiVersion: aigrid/v1
kind: Operator
metadata: {name: firm}
spec: {legal_name: Firm, control: [FR]}
---
apiVersion: aigrid/v1
kind: Site
metadata: {name: paris}
spec: {kind: metro, operator: firm, country: FR, jurisdiction: FR, lat: 1, lon: 1}
---
apiVersion: aigrid/v1
kind: Site
metadata: {name: lyon}
spec: {kind: campus, operator: firm, country: FR, jurisdiction: FR, lat: 1, lon: 1}
---
apiVersion: aigrid/v1
kind: Link
metadata: {name: l}
spec: {a: paris, b: lyon, rtt_ms: 8}
---
apiVersion: aigrid/v1
kind: Node
metadata: {name: n1}
spec: {site: lyon}
---
apiVersion: aigrid/v1
kind: Model
metadata: {name: m}
spec: {task: chat, context_tokens: 100}
---
apiVersion: aigrid/v1
kind: Deployment
metadata: {name: d}
spec: {model: m, driver: openai, nodes: [n1], context_tokens: 50, max_output_tokens: 10}
)";

std::vector<api::Resource> small() {
  auto parsed = api::parse_yaml("small.yaml", kSmall);
  EXPECT_TRUE(parsed.problems.empty());
  for (const auto& p : parsed.problems) ADD_FAILURE() << api::to_text(p);
  return parsed.resources;
}

TEST(Plan, has_a_relay_for_each_link_and_one_to_control_for_each_site) {
  auto plan = make_plan(small(), 12);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(plan->links.size(), 3U);
  EXPECT_EQ(plan->links[0].name(), "lyon-paris");
  EXPECT_EQ(plan->links[0].rtt_ms, 8);
  EXPECT_EQ(plan->links[1].name(), "lyon-control");
  EXPECT_EQ(plan->links[1].rtt_ms, 12);
  EXPECT_EQ(plan->links[2].name(), "paris-control");
  EXPECT_EQ(plan->chat_model, "m");
  EXPECT_EQ(plan->embedding_model, "");
}

TEST(Plan, puts_relays_into_the_links_of_the_lower_site) {
  auto plan = make_plan(small(), 12);
  ASSERT_TRUE(plan.ok());
  const auto applied = with_dial(*plan, {{"lyon-paris", "127.0.0.1:5"}, {"lyon-control", "127.0.0.1:6"}});
  int links = 0;
  for (const auto& resource : applied) {
    if (resource.kind != api::Kind::Link) continue;
    ++links;
    EXPECT_EQ(resource.spec["dial"], (api::Json{{"lyon", "127.0.0.1:5"}}));
  }
  EXPECT_EQ(links, 1);
}

TEST(Plan, reaches_each_gateway_of_a_site_through_a_relay_of_its_own) {
  auto plan = make_plan(small(), 12, {{"paris", 2}});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  std::string names;
  for (const auto& g : plan->gateways) names += g.name + "@" + g.site + (g.shares_port ? "+ " : " ");
  EXPECT_EQ(names, "lyon@lyon paris@paris+ paris-2@paris+ ");
  EXPECT_EQ(relay_name(plan->links[0], plan->gateways[2]), "lyon-paris/paris-2");
  const auto applied = with_dial(*plan, {{"lyon-paris", "127.0.0.1:5"}, {"lyon-paris/paris-2", "127.0.0.1:6"}});
  for (const auto& resource : applied) {
    if (resource.kind != api::Kind::Link) continue;
    EXPECT_EQ(resource.spec["dial"], (api::Json{{"lyon", "127.0.0.1:5"}, {"lyon/paris-2", "127.0.0.1:6"}}));
  }
  const auto wrong = make_plan(small(), 12, {{"nice", 2}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("no Site \"nice\""), std::string::npos) << wrong.error().message;
}

TEST(Plan, names_every_problem) {
  auto resources = small();
  std::erase_if(resources, [](const api::Resource& r) { return r.kind == api::Kind::Operator; });
  const auto plan = make_plan(resources, 1);
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().message.find("paris"), std::string::npos);
  EXPECT_NE(plan.error().message.find("lyon"), std::string::npos);
  EXPECT_NE(plan.error().message.find("small.yaml:"), std::string::npos);
  EXPECT_FALSE(make_plan({}, 1).ok());
}

}  // namespace
}  // namespace aigrid::up
