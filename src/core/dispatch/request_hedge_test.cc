// Urgent requests that are asked at a second place because their first token is late.
#include <gmock/gmock.h>

#include "core/dispatch/life_test.h"
#include "core/resilience/hedge.h"

namespace aigrid::dispatch {
namespace {

// A realtime request, asked at paris, whose hedge is due later.
class Urgent : public Life {
 public:
  explicit Urgent(bool stream = true) : Life(stream) {
    grid.input.tier = grid::Tier::Realtime;
    grid.rows.hedging.seen = resilience::kHedgeBounds.samples;
    grid.rows.hedging.credit = 1000;
    grid.rows.hedging.ratio = 1;
  }
  // Until the hedge is out: attempt 1 at paris, attempt 2 at lyon.
  void race() {
    EXPECT_EQ(on(event::Start{}), "ask:paris alarm");
    grid.now += late();
    touch();
    EXPECT_EQ(on(event::Alarm{}), "hedge:lyon alarm");
    EXPECT_EQ((*this)->state(), State::Asking);
  }
  Duration late() { return *resilience::hedge_after(&grid.rows.hedging, (*this)->decision().score.ttft_ms()); }
  void forbid(std::vector<std::string> sites) {
    auto input = grid.input;
    for (const auto& name : sites) input.permitted.erase(grid.site(name));
    (*this)->rebind(input, {*grid.tables, *grid.tables});
  }
};

TEST(Hedge, TheFirstHeadAnswersAndTheOtherIsCancelled) {
  for (const std::uint32_t winner : {1U, 2U}) {
    SCOPED_TRACE(winner);
    Urgent life;
    life.race();
    const std::string node = winner == 1 ? "paris-1" : "lyon-1";
    const auto out = life.raw(event::Head{winner, life.grid.node(node), Resume::Tokens, 0});
    EXPECT_EQ(words(out, life.grid), winner == 1 ? "cancel won:1 answer alarm" : "cancel alarm won:2 answer alarm");
    EXPECT_EQ(find<action::Cancel>(out)->attempt, 3 - winner);
    EXPECT_EQ(find<action::Answer>(out)->attempt, winner);
    EXPECT_EQ(life.grid.name(life->decision().site), winner == 1 ? "paris" : "lyon");
    EXPECT_TRUE(life->hedged());
    // The loser speaks on, and only its count is noted.
    EXPECT_EQ(life.on(event::Head{3 - winner, kNone, Resume::Tokens, 0}), "");
    EXPECT_EQ(life.on(event::Progress{3 - winner, 10, 1, Resume::Tokens}), "");
    EXPECT_EQ(life.on(event::End{3 - winner, {10, 2, 0}, "cancelled", false}), "");
    life.on(event::Progress{winner, 50, 5, Resume::Tokens});
    const auto last = life.raw(event::End{winner, {10, 5, 0}, "stop", false});
    EXPECT_EQ(words(last, life.grid), "complete finish:finished");
    const auto* f = find<action::Finish>(last);
    EXPECT_EQ(f->usage.completion_tokens, 5U);
    ASSERT_EQ(f->attempts.size(), 2U);
    const auto& won = f->attempts[winner - 1];
    const auto& lost = f->attempts[2 - winner];
    EXPECT_FALSE(won.hedge);
    EXPECT_EQ(won.result, "ok");
    EXPECT_EQ(won.node, node);
    EXPECT_TRUE(lost.hedge);
    EXPECT_EQ(lost.result, "hedge_loser");
    EXPECT_EQ(lost.usage.completion_tokens, 2U) << "what it made is known, and waived";
    EXPECT_EQ(lost.heard_tokens, 0U);
  }
}

// The client sees nothing of a whole answer until it is there: what won may still be lost, and is asked for again.
TEST(Hedge, AWholeAnswerIsRacedForItsFirstTokenToo) {
  for (const std::uint32_t winner : {1U, 2U}) {
    SCOPED_TRACE(winner);
    Urgent life(false);
    life.race();
    EXPECT_EQ(life.on(event::Head{winner, kNone, Resume::None, 0}),
              winner == 1 ? "cancel won:1 alarm" : "cancel alarm won:2 alarm");
    EXPECT_EQ(life.on(event::End{3 - winner, {10, 2, 0}, "cancelled", false}), "");
    life.on(event::Progress{winner, 0, 5, Resume::None});
    const auto last = life.raw(event::End{winner, {10, 5, 0}, "stop", false});
    EXPECT_EQ(words(last, life.grid), "answer complete finish:finished");
    const auto* f = find<action::Finish>(last);
    EXPECT_EQ(f->usage.completion_tokens, 5U);
    ASSERT_EQ(f->attempts.size(), 2U);
    EXPECT_EQ(f->attempts[winner - 1].result, "ok");
    EXPECT_EQ(f->attempts[winner - 1].heard_tokens, 5U);
    EXPECT_TRUE(f->attempts[2 - winner].hedge);
    EXPECT_EQ(f->attempts[2 - winner].usage.completion_tokens, 2U);
  }
  Urgent lost(false);
  lost.race();
  lost.on(event::Head{2, kNone, Resume::None, 0});
  EXPECT_EQ(lost.on(event::Lost{2, kNone, "reset"}).substr(0, 4), "ask:");
  EXPECT_EQ(lost.alarm_after(5s), "alarm") << "once a request";
  EXPECT_EQ(lost.on(event::Head{3, kNone, Resume::None, 0}), "alarm") << "nobody raced it";
}

// An engine that tells of nothing before its whole answer is there: how soon it began is not known.
TEST(Hedge, HowSoonAWholeAnswerBeganIsKnownWhenMoreFollows) {
  Life life(false);
  life.on(event::Start{});
  life.on(event::Head{1, kNone, Resume::None, 0});
  EXPECT_EQ(find<action::Observed>(life.raw(event::Progress{1, 0, 1, Resume::None})), nullptr);
  life.grid.now += 900ms;
  const auto* seen = find<action::Observed>(life.raw(event::Progress{1, 0, 30, Resume::None}));
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->after, Duration{});
  life.grid.now += 900ms;
  EXPECT_EQ(find<action::Observed>(life.raw(event::Progress{1, 0, 30, Resume::None})), nullptr);

  Life stream;
  stream.on(event::Start{});
  stream.on(event::Head{1, kNone, Resume::Tokens, 0});
  EXPECT_NE(find<action::Observed>(stream.raw(event::Progress{1, 4, 1, Resume::Tokens})), nullptr);
}

TEST(Hedge, ASlowLoserIsHeldAgainstItsPlace) {
  Urgent life;
  life.race();
  const auto* seen = find<action::Observed>(life.raw(event::Head{2, kNone, Resume::Tokens, 0}));
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(life.grid.name(seen->site), "paris");
  EXPECT_FALSE(seen->fault);
  EXPECT_EQ(seen->after, life.grid.now - Time{100s});
}

TEST(Hedge, OnlyOneAndOnlyWhereItIsDue) {
  Urgent standard;
  standard.grid.input.tier = grid::Tier::Standard;
  standard.on(event::Start{});
  EXPECT_EQ(standard.alarm_after(5s), "alarm");

  Urgent broke;
  broke.grid.rows.hedging.credit = 999;
  broke.on(event::Start{});
  EXPECT_EQ(broke.alarm_after(5s), "alarm");

  Urgent spent;  // meanwhile
  spent.on(event::Start{});
  spent.grid.rows.hedging.credit = 0;
  EXPECT_EQ(spent.alarm_after(5s), "alarm");

  Urgent alone;
  alone.grid.intent->allow_fallbacks = false;
  alone.on(event::Start{});
  EXPECT_EQ(alone.alarm_after(5s), "alarm");

  Urgent again;
  again.race();
  EXPECT_EQ(again.on(event::Lost{1, kNone, "reset"}), "alarm") << "the other goes on alone";
  EXPECT_EQ(again.on(event::Lost{2, kNone, "reset"}).substr(0, 4), "ask:");
  EXPECT_EQ(again.alarm_after(5s), "alarm") << "once a request";
}

TEST(Hedge, ItStaysWithinWhatIsPermittedAndElsewhere) {
  Urgent life;
  for (const char* out : {"lyon", "frankfurt", "madrid"}) life.grid.input.permitted.erase(life.grid.site(out));
  EXPECT_EQ(life.on(event::Start{}), "ask:paris alarm");
  EXPECT_EQ(life.alarm_after(5s), "alarm") << "no second place is permitted";

  Urgent tightened;
  tightened.race();
  tightened.forbid({"lyon"});
  EXPECT_EQ(tightened.on(event::LawChanged{}), "cancel");
  EXPECT_EQ(tightened.on(event::Head{2, kNone, Resume::Tokens, 0}), "");
  EXPECT_EQ(tightened.on(event::Head{1, kNone, Resume::Tokens, 0}), "won:1 answer alarm");

  Urgent moved;
  moved.race();
  moved.forbid({"paris"});
  EXPECT_EQ(moved.on(event::LawChanged{}), "cancel alarm");
  EXPECT_EQ(moved.on(event::Head{1, kNone, Resume::Tokens, 0}), "");
  EXPECT_EQ(moved.on(event::Head{2, kNone, Resume::Tokens, 0}), "won:2 answer alarm");
}

TEST(Hedge, WhoeverFallsLeavesTheOther) {
  const struct {
    const char* how;
    Event event;
    const char* said;
    std::uint32_t left;
  } cases[] = {{"the hedge is refused", refused(2, Verdict::Elsewhere), "alarm", 1},
               {"the hedge is refused for good", refused(2, Verdict::Never, 403, "x"), "alarm", 1},
               {"the hedge is lost", event::Lost{2, kNone, "reset"}, "alarm", 1},
               {"the hedge ends without a head", event::End{2, {}, "", false}, "alarm", 1},
               {"the first is refused", refused(1, Verdict::Elsewhere), "alarm", 2},
               {"the first is lost", event::Lost{1, kNone, "reset"}, "alarm", 2},
               {"the first ends without a head", event::End{1, {}, "", false}, "alarm", 2}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.how);
    Urgent life;
    life.race();
    EXPECT_EQ(life.on(c.event), c.said);
    EXPECT_EQ(life.on(event::Head{c.left, kNone, Resume::Tokens, 0}),
              "won:" + std::to_string(c.left) + " answer alarm");
    EXPECT_EQ(life.on(event::End{c.left, {10, 5, 0}, "stop", false}), "complete finish:finished");
  }
  Urgent wrong;  // what the first says of the request is true of it everywhere
  wrong.race();
  EXPECT_EQ(wrong.on(refused(1, Verdict::Never, 400, "bad")), "cancel fail:400 finish:refused");
}

TEST(Hedge, BothEndWithTheRequest) {
  Urgent gone;
  gone.race();
  const auto out = gone.raw(event::ClientGone{});
  EXPECT_EQ(words(out, gone.grid), "cancel cancel alarm");
  EXPECT_EQ(gone.on(event::Head{2, kNone, Resume::Tokens, 0}), "");
  const auto* f = find<action::Finish>(gone.raw(event::End{1, {10, 0, 0}, "cancelled", false}));
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->outcome, grid::Outcome::ClientGone);
  EXPECT_TRUE(f->attempts[1].hedge);

  Urgent stopped;
  stopped.race();
  EXPECT_EQ(stopped.on(event::Stop{}), "cancel cancel fail:503 finish:failed");

  Urgent silent;
  silent.race();
  std::string said;
  for (int i = 0; i < 8 && said.find("finish") == std::string::npos; ++i) said = silent.alarm_after(10s);
  EXPECT_NE(said.find("fail:503 finish:failed"), std::string::npos) << "60 s to the first byte hold for both";
}

}  // namespace
}  // namespace aigrid::dispatch
