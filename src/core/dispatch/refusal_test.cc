#include "core/dispatch/refusal.h"

#include <gmock/gmock.h>

#include "core/routing/test_grid.h"

namespace aigrid::dispatch {
namespace {

using routing::TestGrid;
using ::testing::AllOf;
using ::testing::HasSubstr;

class RefusalTest : public ::testing::Test {
 protected:
  static grid::Inventory inventory() {
    auto i = routing::test_inventory(routing::four_cities());
    i.models.push_back(i.models[0]);
    i.models[1].name = "chat-small";
    i.deployments.push_back(i.deployments[0]);
    i.deployments[1].name = "small-lyon";
    i.deployments[1].model = "chat-small";
    i.deployments[1].nodes = {"lyon-1"};
    i.deployments[0].nodes = {"frankfurt-1", "madrid-1"};
    i.price_books = {{"list", "EUR", {{"chat", 1, 300}}}};
    i.tenants[0].price_book = "list";
    return i;
  }
  Refusal refused() {
    Random random(1);
    const auto d = routing::choose_site(grid.snapshot(), grid.input, grid.now, random, nullptr);
    EXPECT_FALSE(d.ok());
    return refusal(grid.snapshot(), grid.input, d, grid.now);
  }
  TestGrid grid{inventory(), "paris"};
};

TEST_F(RefusalTest, ModelNamesTheNearest) {
  grid.input.model = routing::kNone;
  grid.input.asked_model = "chat-smal";
  const Refusal r = refused();
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.code, "model_not_found");
  EXPECT_EQ(r.param, "model");
  EXPECT_THAT(r.message, HasSubstr("did you mean \"chat-small\"?"));
  grid.input.asked_model = "gpt-4o";
  EXPECT_THAT(refused().message, HasSubstr("there are chat, chat-small"));
}

TEST_F(RefusalTest, AHiddenModelIsNotNamed) {
  auto i = inventory();
  i.tenants.push_back({"other", "", "", ""});
  i.models[0].tenants = {"other"};
  grid = TestGrid(i, "paris");
  const Refusal r = refused();
  EXPECT_EQ(r.status, 404);
  EXPECT_THAT(r.message, AllOf(HasSubstr("model \"chat\""), HasSubstr("\"chat-small\"")));
}

TEST_F(RefusalTest, ContextAndEndpoint) {
  grid.input.prompt_tokens = 9000;
  EXPECT_EQ(refused().status, 400);
  EXPECT_EQ(refused().code, "context_length_exceeded");
  EXPECT_THAT(refused().message, AllOf(HasSubstr("9000"), HasSubstr("2048")));
  grid.input.prompt_tokens = 9;
  grid.input.task = grid::Task::Embedding;
  EXPECT_EQ(refused().code, "unsupported_parameter");
  EXPECT_THAT(refused().message, HasSubstr("/v1/chat/completions"));
}

TEST_F(RefusalTest, ResidencyNamesRuleAndLevelAndWhatIsPossible) {
  const std::vector<std::string> rules{"tenant \"mairie\" zone \"fr\""};
  grid.input.rules = &rules;
  grid.input.permitted = {};
  grid.input.permitted.insert(grid.site("lyon"));
  grid.input.permitted.insert(grid.site("paris"));
  const Refusal r = refused();
  EXPECT_EQ(r.status, 403);
  EXPECT_EQ(r.code, "data_residency_mismatch");
  EXPECT_TRUE(r.never_retry);
  EXPECT_THAT(r.message, AllOf(HasSubstr("tenant \"mairie\" zone \"fr\""), HasSubstr("permitted: lyon, paris"),
                               HasSubstr("it runs at: frankfurt, madrid"), HasSubstr("model chat-small there")));
}

TEST_F(RefusalTest, IsolationTargetAndCapacity) {
  grid.intent->only_sites = {"paris"};
  EXPECT_EQ(refused().code, "placement_denied");
  EXPECT_EQ(refused().status, 403);
  grid.intent->only_sites.clear();

  grid.intent->max_ttft_ms = 20;
  grid.intent->require_ttft = true;
  EXPECT_EQ(refused().status, 422);
  EXPECT_EQ(refused().code, "constraint_unsatisfiable");
  EXPECT_THAT(refused().message,
              AllOf(HasSubstr("max_ttft_ms 20"), HasSubstr("what would fit: frankfurt within 108 ms")));
  grid.intent->require_ttft = false;
  grid.intent->max_price_nano = 200;
  EXPECT_THAT(refused().message, AllOf(HasSubstr("max_price 200"), HasSubstr("costs 300")));
  grid.intent->max_price_nano.reset();

  for (auto& r : grid.rows.site_rows) r.ready_nodes = 0;
  EXPECT_EQ(refused().status, 503);
  EXPECT_EQ(refused().code, "no_capacity");
  EXPECT_TRUE(refused().retry_after);
  EXPECT_THAT(refused().message, HasSubstr("no node ready"));
}

}  // namespace
}  // namespace aigrid::dispatch
