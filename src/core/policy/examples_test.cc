#include "core/policy/examples.h"

#include <gmock/gmock.h>

namespace aigrid::policy {
namespace {

using ::testing::HasSubstr;

grid::PolicyExample example(std::string expect, std::string jurisdiction) {
  grid::PolicyExample e;
  e.name = "e";
  e.action = "process";
  e.expect = std::move(expect);
  e.jurisdiction = std::move(jurisdiction);
  return e;
}

std::vector<ExampleOutcome> run(std::vector<grid::PolicyExample> examples) {
  grid::Inventory i;
  i.zones = {{"fr", {"FR"}, {}, {}, {}, {}}};
  i.zones[0].certs = {"hds"};
  grid::Policy p;
  p.name = "p";
  p.tenants = {"clinic"};
  p.level = "platform";
  p.permit = {{{"process"}, "fr", 1, {}, "2026-06-30"}};
  p.examples = std::move(examples);
  i.policies = {p};
  return run_examples(i, 0);
}

TEST(Examples, HoldOrSayWhatCameInstead) {
  auto good = example("allowed", "FR");
  good.certs = {"hds"};
  auto late = good;
  late.on = "2026-07-01";
  auto wrong_reason = example("denied", "FR");
  wrong_reason.because = "expired";
  auto typo = example("permitted", "FR");
  const auto out = run({good, example("denied", "DE"), late, example("denied", "FR"), wrong_reason, typo});
  ASSERT_EQ(out.size(), 6U);
  EXPECT_TRUE(out[0].ok) << out[0].text;
  EXPECT_TRUE(out[1].ok) << out[1].text;
  EXPECT_THAT(out[2].text, HasSubstr("expected allowed, but process is denied at level platform"));
  EXPECT_TRUE(out[3].ok);
  EXPECT_THAT(out[4].text, HasSubstr("denied, but not because of \"expired\""));
  EXPECT_THAT(out[4].text, HasSubstr("states no cert \"hds\""));
  EXPECT_THAT(out[5].text, HasSubstr("write allowed or denied"));
}

TEST(Examples, AnAnswerThatIsTooGoodFails) {
  auto e = example("denied", "FR");
  e.certs = {"hds"};
  EXPECT_EQ(run({e})[0].text, "expected denied, but it is allowed");
}

}  // namespace
}  // namespace aigrid::policy
