// Streams that go on elsewhere: resumed after a loss, moved away from a place that drains.
#include <gmock/gmock.h>

#include "core/dispatch/life_test.h"

namespace aigrid::dispatch {
namespace {

TEST(RequestLife, AStreamGoesOnElsewhere) {
  struct {
    const char* how;
    Event event;
    const char* said;
  } cases[] = {{"lost", event::Lost{1, 0, "reset"}, "ask:paris alarm"},
               {"failed", event::End{1, {10, 7, 0}, "error", true}, "ask:paris alarm"},
               {"refused after its head", refused(1, Verdict::Never, 400, "bad"), "ask:lyon alarm"}};
  for (auto& c : cases) {
    SCOPED_TRACE(c.how);
    Life life;
    stream_seven(life);
    if (auto* lost = std::get_if<event::Lost>(&c.event)) lost->node = life.grid.node("paris-1");
    EXPECT_EQ(life.on(c.event), c.said);
    life.on(event::Delivered{1, 70});
    EXPECT_EQ(life.on(event::Head{2, life.grid.node("paris-2"), Resume::Tokens, 7}), "alarm") << "no second head";
    life.on(event::Progress{2, 30, 3, Resume::Tokens});
    const auto& last = life.raw(event::End{2, {10, 10, 0}, "stop", false, 7});
    EXPECT_EQ(words(last, life.grid), "complete finish:finished");
    const auto* f = find<action::Finish>(last);
    EXPECT_EQ(f->usage.prompt_tokens, 10U) << "the prompt once";
    EXPECT_EQ(f->usage.completion_tokens, 10U) << "each token once";
    EXPECT_EQ(life->resumes(), 1U);
    ASSERT_EQ(f->attempts.size(), 2U);
    EXPECT_FALSE(f->attempts[0].resumes);
    EXPECT_EQ(f->attempts[0].usage.prompt_tokens, 10U);
    EXPECT_EQ(f->attempts[0].usage.completion_tokens, 7U);
    EXPECT_EQ(f->attempts[0].heard_tokens, 7U);
    EXPECT_TRUE(f->attempts[1].resumes);
    EXPECT_EQ(f->attempts[1].usage.prompt_tokens, 17U) << "what was delivered is prefill there";
    EXPECT_EQ(f->attempts[1].usage.completion_tokens, 3U);
  }
}

TEST(RequestLife, ASilentStreamGoesOnElsewhere) {
  Life life;
  stream_seven(life);
  life.on(event::Delivered{1, 70});
  EXPECT_EQ(life.alarm_after(30s), "cancel ask:paris alarm");
}

TEST(RequestLife, WhatCannotBeContinuedBreaksExplicitly) {
  Life life;
  stream_seven(life, Resume::None);
  const auto& last = life.raw(event::Lost{1, kNone, "reset"});
  EXPECT_EQ(words(last, life.grid), "break:502 finish:failed");
  EXPECT_EQ(find<action::Finish>(last)->usage.completion_tokens, 7U);

  Life tool;  // a tool call began
  stream_seven(tool);
  tool.on(event::Progress{1, 20, 2, Resume::None});
  EXPECT_EQ(tool.on(event::Lost{1, kNone, "reset"}), "break:502 finish:failed");
}

TEST(RequestLife, ResumesAreBounded) {
  Life life;
  stream_seven(life);
  std::string said;
  std::uint32_t attempt = 1;
  for (; attempt < 10; ++attempt) {
    said = life.on(event::Lost{attempt, kNone, "reset"});
    if (said == "alarm") said = life.alarm_after(200ms);
    if (said.find("ask") == std::string::npos) break;
    life.on(event::Head{attempt + 1, kNone, Resume::Text, 7});
  }
  EXPECT_EQ(said, "break:502 finish:failed");
  EXPECT_EQ(attempt, 4U) << "three resumes";
}

TEST(RequestLife, ANodeThatCannotContinueIsNotGivenTheStream) {
  Life life;
  stream_seven(life);
  EXPECT_EQ(life.on(event::Lost{1, kNone, "reset"}), "ask:lyon alarm");
  EXPECT_EQ(life.on(event::Head{2, life.grid.node("lyon-1"), Resume::None, 7}), "cancel ask:frankfurt alarm");
  EXPECT_EQ(life.on(event::Progress{2, 50, 5, Resume::None}), "") << "it began anew, and nobody listens";
  life.on(event::Head{3, life.grid.node("frankfurt-1"), Resume::Text, 7});
  EXPECT_EQ(life.on(event::End{3, {10, 9, 0}, "stop", false}), "complete finish:finished");
}

TEST(RequestLife, AResumeThatFindsNoPlaceIsAnExplicitEnd) {
  Life nowhere;
  stream_seven(nowhere);
  for (auto& r : nowhere.grid.rows.site_rows) r.ready_nodes = 0;
  EXPECT_EQ(nowhere.on(event::Lost{1, kNone, "reset"}), "alarm");
  const Time lost = nowhere.grid.now;
  std::string said = "alarm";
  while (said == "alarm") said = nowhere.alarm_after(200ms);
  EXPECT_EQ(said, "break:502 finish:failed");
  EXPECT_EQ(nowhere.grid.now - lost, 10s);

  Life queued;
  stream_seven(queued);
  queued.on(event::Lost{1, kNone, "reset"});
  EXPECT_EQ(queued.alarm_after(15s), "cancel break:502 finish:failed") << "resume_within";

  Life gone;
  stream_seven(gone);
  gone.on(event::Lost{1, kNone, "reset"});
  EXPECT_EQ(gone.on(event::ClientGone{}), "cancel alarm");
  const auto* f = find<action::Finish>(gone.raw(event::Lost{2, kNone, "x"}));
  EXPECT_EQ(f->outcome, grid::Outcome::ClientGone);
  EXPECT_EQ(f->usage.completion_tokens, 7U);

  Life forbidden;
  stream_seven(forbidden);
  forbidden.on(event::Lost{1, kNone, "reset"});
  auto input = forbidden.grid.input;
  input.permitted = {};
  forbidden->rebind(input, {*forbidden.grid.tables, *forbidden.grid.tables});
  EXPECT_EQ(forbidden.on(event::LawChanged{}), "cancel break:502 finish:failed");
}

// Whose client leaves while its stream is asked for elsewhere: each token is the work of one attempt, and all that were
// delivered are known to be.
TEST(RequestLife, WhoLeavesDuringAResumeHasEachTokenCountedOnce) {
  const struct {
    const char* how;
    Event end;
    std::uint64_t prompt;          // of the request
    std::uint64_t resumed_prompt;  // of the second attempt
  } cases[] = {{"it had begun", event::End{2, {10, 7, 0}, "cancelled", false, 7}, 10, 17},
               {"it was in a queue", event::End{2, {}, "cancelled", false, 7}, 15, 0},
               {"it was lost", event::Lost{2, kNone, "reset"}, 15, 0}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.how);
    Life life;
    stream_seven(life);
    life.on(event::Lost{1, kNone, "reset"});
    life.on(event::ClientGone{});
    const auto* f = find<action::Finish>(life.raw(c.end));
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(f->usage.completion_tokens, 7U);
    EXPECT_EQ(f->usage.prompt_tokens, c.prompt) << "as told, else as estimated";
    ASSERT_EQ(f->attempts.size(), 2U);
    EXPECT_EQ(f->attempts[0].usage.prompt_tokens, c.prompt);
    EXPECT_EQ(f->attempts[0].usage.completion_tokens, 7U);
    EXPECT_TRUE(f->attempts[1].resumes) << "what came before belongs to the answer";
    EXPECT_EQ(f->attempts[1].usage.completion_tokens, 0U);
    EXPECT_EQ(f->attempts[1].usage.prompt_tokens, c.resumed_prompt);
  }
}

TEST(RequestLife, APromptThatWasCountedIsNotEstimated) {
  Life life;
  life.grid.input.max_output_tokens = 7;
  life.on(event::Start{});
  life.on(event::Head{1, life.grid.node("paris-1"), Resume::Tokens, 0, 12});
  life.on(event::Progress{1, 70, 7, Resume::Tokens});
  life.on(event::Delivered{1, 70});
  const auto* f = find<action::Finish>(life.raw(event::Lost{1, kNone, "reset"}));
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->usage.prompt_tokens, 12U);
  EXPECT_EQ(f->attempts[0].usage.prompt_tokens, 12U);
}

TEST(RequestLife, AStreamThatLacksOnlyItsEndAsksNobody) {
  for (const bool by_request : {true, false}) {
    for (const bool silent : {true, false}) {
      Life life;
      life.grid.input.max_output_tokens = by_request ? 7 : 0;
      auto inventory = routing::test_inventory(routing::four_cities());
      for (auto& d : inventory.deployments) d.max_output_tokens = by_request ? 1000 : 7;
      life.grid.tables = *routing::compile(inventory);
      stream_seven(life);
      life.on(event::Delivered{1, 70});
      EXPECT_EQ(silent ? life.alarm_after(30s) : life.on(event::Lost{1, kNone, "reset"}),
                std::string(silent ? "cancel " : "") + "complete:length finish:finished");
      EXPECT_EQ(words(drain(life, {"paris"}), life.grid), "");
    }
  }
  Life full;
  full.grid.input.max_output_tokens = 7;
  stream_seven(full);
  EXPECT_EQ(words(drain(full, {"paris"}), full.grid), "") << "nor does it move";
  const auto* f = find<action::Finish>(full.raw(event::Lost{1, kNone, "reset"}));
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->outcome, grid::Outcome::Finished);
  EXPECT_EQ(f->usage.completion_tokens, 7U);
  EXPECT_EQ(f->attempts[0].usage.prompt_tokens, 15U) << "as estimated";

  Life sealed;
  sealed.grid.input.max_output_tokens = 7;
  stream_seven(sealed, Resume::None);
  EXPECT_EQ(sealed.on(event::Lost{1, kNone, "reset"}), "break:502 finish:failed");
}
TEST(RequestLife, AStreamAtAPlaceThatDrainsMoves) {
  for (const bool site : {true, false}) {
    Life life;
    stream_seven(life);
    const auto out = site ? drain(life, {"paris"}) : drain(life, {}, "paris-1");
    EXPECT_EQ(words(out, life.grid), site ? "beside:lyon alarm" : "beside:paris alarm");
    EXPECT_EQ(life->state(), State::Relaying);
    EXPECT_EQ(life.on(event::Delivered{1, 70}), "");
    EXPECT_EQ(life.on(event::Head{2, kNone, Resume::Tokens, 7}), "cancel alarm");
    EXPECT_EQ(life.on(event::End{1, {10, 9, 0}, "cancelled", false}), "") << "two more than were heard";
    life.on(event::Progress{2, 30, 3, Resume::Tokens});
    const auto& last = life.raw(event::End{2, {10, 10, 0}, "stop", false, 7});
    EXPECT_EQ(words(last, life.grid), "complete finish:finished");
    const auto* f = find<action::Finish>(last);
    EXPECT_EQ(f->usage.completion_tokens, 10U);
    EXPECT_EQ(f->attempts[0].result, "drained");
    EXPECT_EQ(f->attempts[0].usage.completion_tokens, 9U);
    EXPECT_EQ(f->attempts[1].usage.completion_tokens, 3U);
    EXPECT_EQ(life->resumes(), 1U);
  }
}

TEST(RequestLife, AMoveThatFailsLeavesTheStreamWhereItIs) {
  Life life;
  stream_seven(life);
  EXPECT_EQ(words(drain(life, {"paris"}), life.grid), "beside:lyon alarm");
  EXPECT_EQ(life.on(refused(2, Verdict::Elsewhere)), "stay");
  EXPECT_EQ(life.on(event::Progress{1, 10, 1, Resume::Tokens}), "") << "not at once again";
  life.grid.now += 1s;
  life.touch();
  EXPECT_EQ(life.on(event::Progress{1, 10, 1, Resume::Tokens}), "beside:lyon alarm");
  EXPECT_EQ(life.on(event::Lost{3, kNone, "reset"}), "stay");
  life.grid.now += 1s;
  EXPECT_EQ(life.on(event::Progress{1, 10, 1, Resume::Tokens}), "") << "after a while that doubles";
  life.grid.now += 1s;
  life.touch();
  EXPECT_EQ(life.on(event::Progress{1, 10, 1, Resume::Tokens}).substr(0, 7), "beside:");
  EXPECT_EQ(life.on(event::Head{4, kNone, Resume::None, 10}), "cancel stay");
  life.grid.now += 4s;
  life.touch();
  const auto* ask = find<action::Ask>(life.raw(event::Progress{1, 10, 1, Resume::Tokens}));
  ASSERT_NE(ask, nullptr);
  EXPECT_EQ(ask->remaining, Duration{}) << "it takes a slot that is free, or none: its client waits";
  EXPECT_EQ(life.alarm_after(5s), "cancel stay alarm") << "it did not answer";
  EXPECT_EQ(life.on(event::End{1, {10, 11, 0}, "stop", false}), "complete finish:finished");

  Life nowhere;
  stream_seven(nowhere);
  EXPECT_EQ(words(drain(nowhere, {"paris", "lyon", "madrid", "frankfurt"}), nowhere.grid), "");
  Life sealed;
  stream_seven(sealed, Resume::None);
  EXPECT_EQ(words(drain(sealed, {"paris"}), sealed.grid), "") << "it ends where it is";
}

TEST(RequestLife, AStreamLostInTheTurnOfItsMoveGoesOnElsewhere) {
  Life life;
  stream_seven(life);
  drain(life, {"paris"});
  EXPECT_EQ(life.on(event::Lost{1, kNone, "reset"}), "cancel ask:lyon alarm");
  EXPECT_EQ(life.on(event::Head{2, kNone, Resume::Tokens, 7}), "") << "the one asked beside is void";
  EXPECT_EQ(life.on(event::Head{3, kNone, Resume::Tokens, 7}), "alarm");
  EXPECT_EQ(life.on(event::End{3, {10, 9, 0}, "stop", false}), "complete finish:finished");
}

TEST(RequestLife, WhoLeavesWhileItMovesLeavesBoth) {
  Life life;
  stream_seven(life);
  drain(life, {"paris"});
  EXPECT_EQ(life.on(event::ClientGone{}), "cancel stay cancel alarm");
  EXPECT_EQ(life.on(event::Head{2, kNone, Resume::Tokens, 7}), "");
  EXPECT_EQ(life.on(event::End{1, {10, 9, 0}, "cancelled", false}), "finish:client_gone");
}

}  // namespace
}  // namespace aigrid::dispatch
