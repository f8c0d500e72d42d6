// Clients that leave, clients that read slowly.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

TEST(Clients, EngineStopsWhenTheClientIsGone) {
  GridOptions options;
  options.engine.answer_tokens = 1000;
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  for (const std::string zone : {"fr", "ch"}) {  // at home, and through a peer
    for (const bool stream : {true, false}) {
      const EngineCounts before = grid.engines().total();
      Ask ask;
      ask.max_tokens = 1000;  // ten seconds
      ask.stream = stream;
      ask.intent = "zone=\"" + zone + "\"";
      ask.leave_after = 1s;
      auto asked = grid.ask("paris", ask);
      ASSERT_TRUE(grid.wait_over({asked}, 10s));
      grid.world().run_for(250ms);
      const EngineCounts after = grid.engines().total();
      EXPECT_EQ(after.aborted, before.aborted + 1) << zone;
      EXPECT_EQ(after.running, 0U) << zone;
      EXPECT_LT(after.completion_tokens - before.completion_tokens, 130U) << zone;
    }
  }
  // Every slot is free again: as many as there are can run at once.
  std::vector<std::shared_ptr<Asked>> all;
  for (int i = 0; i < 8; ++i) all.push_back(grid.ask("paris", {}));
  ASSERT_TRUE(grid.wait_over(all, 10s));
  for (const auto& a : all) EXPECT_TRUE(a->complete) << a->code << a->why;
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), 4U + 8U);
}

// A client that takes nothing holds up its own engine: what lies between the two is bounded by windows, not by the
// answer.
TEST(Clients, SlowReaderStopsItsEngine) {
  GridOptions options;
  options.engine.answer_tokens = 40'000;
  options.engine.decode_tokens_per_s = 5'000;
  options.context_tokens = 50'000;
  options.window = 16 * 1024;
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  for (const std::string zone : {"fr", "ch"}) {
    const auto before = grid.engines().total();
    Ask ask;
    ask.intent = "zone=\"" + zone + "\"";
    ask.max_tokens = 40'000;  // 8 s of work, some 7 MB
    ask.pause = 15s;
    ask.leave_after = 40s;
    auto asked = grid.ask("paris", ask);
    grid.world().run_for(35s);
    const auto held = grid.engines().total().completion_tokens - before.completion_tokens;
    EXPECT_GT(held, 300U) << zone;
    // 64 KiB of stream for each inner hop, 16 KiB for each connection, as much again in buffers: 180 bytes a token.
    EXPECT_LT(held, 3'000U) << zone;
    // Others are not held up by it.
    auto other = grid.ask("paris", {});
    ASSERT_TRUE(grid.wait_over({other}, 5s));
    EXPECT_TRUE(other->complete) << other->code << other->why;
    ASSERT_TRUE(grid.wait_over({asked}, 60s));
    grid.world().run_for(1s);
    EXPECT_EQ(grid.engines().total().running, 0U) << zone;
  }
}

}  // namespace
}  // namespace aigrid::world
