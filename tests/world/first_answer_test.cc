// The thin line: control, a gateway, nodes, one client, one answer.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

TEST(FirstAnswer, OneSiteAnswersAStreamAndAWholeRequest) {
  GridOptions options;
  options.sites = {"paris"};
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start()) << grid.world().log_of("control/control") << grid.world().log_of("paris/gateway")
                            << grid.world().log_of("paris/paris-1");
  auto streamed = grid.ask("paris", {});
  Ask whole;
  whole.stream = false;
  auto unstreamed = grid.ask("paris", whole);
  ASSERT_TRUE(grid.wait_over({streamed, unstreamed}, 60s));
  for (const auto& asked : {streamed, unstreamed}) {
    EXPECT_EQ(asked->status, 200) << asked->code << " " << asked->why;
    EXPECT_TRUE(asked->complete) << asked->why;
    EXPECT_EQ(asked->tokens, 8U);
    EXPECT_EQ(asked->site, "paris");
    EXPECT_EQ(asked->text, "the grid runs near you and stays where");
  }
}

}  // namespace
}  // namespace aigrid::world
