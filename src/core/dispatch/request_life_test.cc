#include "core/dispatch/request_life.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "core/dispatch/life_test.h"

namespace aigrid::dispatch {
namespace {

using ::testing::HasSubstr;

// Every state against every event: what comes out, and where it leads.
struct Cell {
  State from;
  std::string event;
  const char* actions;
  State to;
};

std::map<std::string, Event> every_event() {
  return {
      {"start", event::Start{}},
      {"elsewhere", refused(1, Verdict::Elsewhere)},
      {"never", refused(1, Verdict::Never, 400, "bad")},
      {"head", event::Head{1, 0}},
      {"progress", event::Progress{1, 9}},
      {"delivered", event::Delivered{1, 9}},
      {"end", event::End{1, {10, 5, 0}, "stop", false}},
      {"failed", event::End{1, {10, 2, 0}, "error", true}},
      {"lost", event::Lost{1, kNone, "reset"}},
      {"gone", event::ClientGone{}},
      {"alarm", event::Alarm{}},
      {"law", event::LawChanged{}},
      {"stop", event::Stop{}},
  };
}

std::vector<Cell> table() {
  using S = State;
  return {
      {S::New, "start", "ask:paris alarm", S::Asking},
      {S::New, "gone", "finish:client_gone", S::Done},
      {S::Asking, "start", "", S::Asking},
      {S::Asking, "elsewhere", "ask:lyon alarm", S::Asking},
      {S::Asking, "never", "fail:400 finish:refused", S::Done},
      {S::Asking, "head", "answer alarm", S::Relaying},
      {S::Asking, "progress", "", S::Asking},
      {S::Asking, "delivered", "", S::Asking},
      {S::Asking, "end", "ask:lyon alarm", S::Asking},
      {S::Asking, "failed", "ask:lyon alarm", S::Asking},
      {S::Asking, "lost", "ask:lyon alarm", S::Asking},
      {S::Asking, "gone", "cancel alarm", S::Cancelling},
      {S::Asking, "alarm", "alarm", S::Asking},  // early
      {S::Asking, "law", "", S::Asking},
      {S::Asking, "stop", "cancel fail:503 finish:failed", S::Done},
      {S::Waiting, "start", "", S::Waiting},
      {S::Waiting, "gone", "finish:client_gone", S::Done},
      {S::Waiting, "alarm", "alarm", S::Waiting},
      {S::Waiting, "law", "alarm", S::Waiting},
      {S::Waiting, "stop", "fail:503 finish:failed", S::Done},
      {S::New, "stop", "fail:503 finish:failed", S::Done},
      {S::Relaying, "start", "", S::Relaying},
      {S::Relaying, "elsewhere", "break:502 finish:failed", S::Done},
      {S::Relaying, "never", "break:502 finish:failed", S::Done},
      {S::Relaying, "head", "", S::Relaying},
      {S::Relaying, "progress", "", S::Relaying},
      {S::Relaying, "delivered", "", S::Relaying},
      {S::Relaying, "end", "complete finish:finished", S::Done},
      {S::Relaying, "failed", "break:502 finish:failed", S::Done},
      {S::Relaying, "lost", "break:502 finish:failed", S::Done},
      {S::Relaying, "gone", "cancel alarm", S::Cancelling},
      {S::Relaying, "alarm", "alarm", S::Relaying},  // early
      {S::Relaying, "law", "", S::Relaying},
      {S::Relaying, "stop", "cancel break:503 finish:failed", S::Done},
      {S::Cancelling, "start", "", S::Cancelling},
      {S::Cancelling, "elsewhere", "finish:client_gone", S::Done},
      {S::Cancelling, "never", "finish:client_gone", S::Done},
      {S::Cancelling, "head", "", S::Cancelling},
      {S::Cancelling, "progress", "", S::Cancelling},
      {S::Cancelling, "delivered", "", S::Cancelling},
      {S::Cancelling, "end", "finish:client_gone", S::Done},
      {S::Cancelling, "failed", "finish:client_gone", S::Done},
      {S::Cancelling, "lost", "finish:client_gone", S::Done},
      {S::Cancelling, "gone", "", S::Cancelling},
      {S::Cancelling, "alarm", "alarm", S::Cancelling},  // early
      {S::Cancelling, "law", "", S::Cancelling},
      {S::Cancelling, "stop", "finish:client_gone", S::Done},
  };
}

// Before an attempt, none of its events can be; a life that is done hears nothing.
std::vector<Cell> whole_table() {
  std::vector<Cell> cells = table();
  for (const auto& [name, event] : every_event()) {
    cells.push_back({State::Done, name, "", State::Done});
    for (const State s : {State::New, State::Waiting}) {
      const bool listed =
          std::any_of(cells.begin(), cells.end(), [&](const Cell& c) { return c.from == s && c.event == name; });
      if (!listed) cells.push_back({s, name, "", s});
    }
  }
  return cells;
}

TEST(RequestLife, EveryStateAndEvent) {
  const auto cells = whole_table();
  ASSERT_EQ(cells.size(), 6U * 13U);
  for (const auto& c : cells) {
    SCOPED_TRACE(std::to_string(static_cast<int>(c.from)) + " × " + c.event);
    Life life;
    if (c.from == State::Waiting) {
      for (auto& r : life.grid.rows.site_rows) r.ready_nodes = 0;
    }
    if (c.from != State::New) {
      life.reach(c.from);
      ASSERT_EQ(life->state(), c.from);
    }
    EXPECT_EQ(life.on(every_event().at(c.event)), c.actions);
    EXPECT_EQ(life->state(), c.to);
  }
}

TEST(RequestLife, EventsOfEarlierAttemptsChangeNothingButTheirUsage) {
  Life life;
  life.on(event::Start{});
  life.on(event::Lost{1, kNone, "reset"});
  EXPECT_EQ(life.on(event::Head{1, 0}), "");
  EXPECT_EQ(life.on(event::Lost{1, kNone, "again"}), "");
  EXPECT_EQ(life.on(event::End{1, {7, 3, 0}, "cancelled", false}), "");
  life.on(event::Head{2, life.grid.node("lyon-1")});
  const auto* f = find<action::Finish>(life.raw(event::End{2, {10, 5, 0}, "stop", false}));
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->usage.completion_tokens, 5U);
  ASSERT_EQ(f->attempts.size(), 2U);
  EXPECT_EQ(f->attempts[0].result, "reset");
  EXPECT_EQ(f->attempts[0].usage.completion_tokens, 3U);
  EXPECT_EQ(f->attempts[1].node, "lyon-1");
  EXPECT_EQ(f->attempts[1].result, "ok");
}

TEST(RequestLife, AttemptsAreBoundedAndRefusalsAreNot) {
  Life life;
  life.on(event::Start{});
  EXPECT_EQ(life.on(event::Lost{1, kNone, "reset"}), "ask:lyon alarm");
  EXPECT_EQ(life.on(refused(2, Verdict::Elsewhere)), "ask:frankfurt alarm");
  EXPECT_EQ(life.on(event::Lost{3, kNone, "reset"}), "ask:madrid alarm");
  EXPECT_EQ(life.on(event::Lost{4, kNone, "reset"}), "alarm") << "no place is left: wait";
  EXPECT_EQ(life.alarm_after(200ms).substr(0, 4), "ask:") << "and forgive";
  const auto& last = life.raw(event::Lost{5, kNone, "reset"});
  EXPECT_EQ(words(last, life.grid), "fail:503 finish:failed");
  const auto* fail = find<action::Fail>(last);
  EXPECT_EQ(fail->code, "no_capacity");
  EXPECT_TRUE(fail->retry_after);
  EXPECT_EQ(fail->retry_in, 2s);
  EXPECT_THAT(fail->message, HasSubstr("4 attempts failed, the last with: reset"));
}

TEST(RequestLife, ASilentAttemptIsCancelledAndTriedElsewhere) {
  Life life;
  life.on(event::Start{});
  EXPECT_EQ(life.alarm_after(20s), "cancel ask:lyon alarm");
  EXPECT_EQ(life.alarm_after(20s), "cancel ask:frankfurt alarm");
  EXPECT_EQ(life.alarm_after(20s), "cancel fail:503 finish:failed") << "60 s to the first byte are spent";
}

TEST(RequestLife, AFailedNodeIsAvoidedWhileItsSiteHasAnother) {
  Life life;
  life.on(event::Start{});
  EXPECT_EQ(life.on(event::Lost{1, life.grid.node("paris-1"), "reset"}), "ask:paris alarm");
  ASSERT_EQ(life->excluded().size(), 1U);
  EXPECT_EQ(life->excluded()[0].node, life.grid.node("paris-1"));
  EXPECT_EQ(life.on(event::Lost{2, life.grid.node("paris-2"), "reset"}), "ask:lyon alarm");
}

TEST(RequestLife, NothingEligibleIsWaitedForSoLongAndNoLonger) {
  Life life;
  for (auto& r : life.grid.rows.site_rows) r.ready_nodes = 0;
  const Time start = life.grid.now;
  EXPECT_EQ(life.on(event::Start{}), "alarm");
  std::string said;
  while (said.empty() || said == "alarm") said = life.alarm_after(200ms);
  EXPECT_EQ(said, "fail:503 finish:refused");
  EXPECT_EQ(life.grid.now - start, 10s);

  Life saved;
  for (auto& r : saved.grid.rows.site_rows) r.ready_nodes = 0;
  saved.on(event::Start{});
  EXPECT_EQ(saved.alarm_after(200ms), "alarm");
  saved.grid.row("madrid").ready_nodes = 1;
  EXPECT_EQ(saved.alarm_after(200ms), "ask:madrid alarm");
}

TEST(RequestLife, WaitsBetweenRefusalsAddUpAndALivingQueueIsNotOne) {
  Life life;
  life.on(event::Start{});
  EXPECT_EQ(life.alarm_after(19s), "alarm") << "in a queue";
  EXPECT_EQ(life.alarm_after(1s), "cancel ask:lyon alarm") << "the next queue";
  for (auto& r : life.grid.rows.site_rows) r.ready_nodes = 0;
  EXPECT_EQ(life.on(refused(2, Verdict::Elsewhere)), "alarm");
  Duration waited{};
  std::string said = "alarm";
  for (std::uint32_t attempt = 3; said.find("fail") == std::string::npos; ++attempt) {
    // Up for a moment, and refusing.
    for (int i = 0; i < 20 && said == "alarm"; ++i) {
      said = life.alarm_after(200ms);
      waited += 200ms;
      if (i == 3) life.grid.row("madrid").ready_nodes = 1;
    }
    life.grid.row("madrid").ready_nodes = 0;
    if (said.substr(0, 4) == "ask:") said = life.on(refused(attempt, Verdict::Elsewhere));
    ASSERT_LE(waited, 11s);
  }
  EXPECT_EQ(said, "fail:503 finish:failed") << "the silent first attempt was a failure";
  EXPECT_EQ(waited, 10s);
}

TEST(RequestLife, ARequiredTargetEndsTheWait) {
  Life life;
  life.grid.intent->max_ttft_ms = 500;
  life.grid.intent->require_ttft = true;
  for (auto& r : life.grid.rows.site_rows) r.ready_nodes = 0;
  life.on(event::Start{});
  life.alarm_after(200ms);
  life.alarm_after(200ms);
  EXPECT_EQ(life.alarm_after(100ms), "fail:503 finish:refused");
}

TEST(RequestLife, RefusalsOfPolicyAreFinal) {
  Life life;
  life.grid.input.permitted = {};
  const auto& out = life.raw(event::Start{});
  EXPECT_EQ(words(out, life.grid), "fail:403 finish:refused");
  EXPECT_EQ(find<action::Fail>(out)->code, "data_residency_mismatch");
  EXPECT_TRUE(find<action::Fail>(out)->never_retry);
}

TEST(RequestLife, ARedirectIsDecidedHereOnceAndAmongTheProposed) {
  Life life;
  life.on(event::Start{});
  auto r = refused(1, Verdict::Redirect);
  r.redirect = {life.grid.site("madrid")};
  EXPECT_EQ(life.on(r), "ask:madrid alarm");
  EXPECT_EQ(life->hops(), 1);
  r.attempt = 2;
  r.redirect = {life.grid.site("frankfurt")};
  EXPECT_EQ(life.on(r), "ask:paris alarm") << "no second hop: the best place that is left, where it is kept now";

  Life bound;
  bound.grid.input.permitted.erase(bound.grid.site("madrid"));
  bound.on(event::Start{});
  r.attempt = 1;
  r.redirect = {bound.grid.site("madrid")};
  EXPECT_EQ(bound.on(r), "ask:paris alarm") << "a proposal never widens what is permitted";
}

TEST(RequestLife, ARedirectToNowhereGoodLeavesTheQueueThatItCameFrom) {
  Life life;
  for (const auto* site : {"frankfurt", "madrid"}) life.grid.input.permitted.erase(life.grid.site(site));
  life.grid.row("lyon").ready_nodes = 0;
  EXPECT_EQ(life.on(event::Start{}), "ask:paris alarm");
  auto r = refused(1, Verdict::Redirect);
  r.redirect = {life.grid.site("madrid")};
  EXPECT_EQ(life.on(r), "ask:paris alarm") << "at once, and now it is kept there";
  EXPECT_EQ(life->hops(), 1);
}

TEST(RequestLife, WhoNamesSitesOrSparesMoneyIsNotHandedOn) {
  Life plain;
  plain.on(event::Start{});
  EXPECT_EQ(plain->hops(), 0);
  const std::vector<std::function<void(grid::Intent&)>> ways = {
      [](grid::Intent& i) { i.only_sites = {"paris"}; }, [](grid::Intent& i) { i.ignore_sites = {"madrid"}; },
      [](grid::Intent& i) { i.allow_fallbacks = false; }, [](grid::Intent& i) { i.sort = grid::Sort::Price; }};
  for (const auto& way : ways) {
    Life life;
    way(*life.grid.intent);
    life.on(event::Start{});
    EXPECT_EQ(life->hops(), 1);
  }
}

TEST(RequestLife, WithoutFallbacksOnlyTheFirstSiteIsTried) {
  Life life;
  life.grid.intent->allow_fallbacks = false;
  life.on(event::Start{});
  EXPECT_EQ(life.on(event::Lost{1, kNone, "reset"}), "alarm");
  EXPECT_EQ(life.alarm_after(200ms), "ask:paris alarm");
}

TEST(RequestLife, SilenceBreaksAStreamAndASlowClientDoesNot) {
  Life life;
  life.reach(State::Relaying);
  life.on(event::Progress{1, 100});
  life.grid.now += 20s;
  life.on(event::Delivered{1, 40});
  EXPECT_EQ(life.alarm_after(31s), "alarm") << "60 bytes still wait for the client";
  life.on(event::Delivered{1, 60});
  EXPECT_EQ(life.alarm_after(29s), "alarm");
  EXPECT_EQ(life.alarm_after(1s), "cancel alarm");
  const auto& last = life.raw(event::End{1, {10, 4, 0}, "cancelled", false});
  EXPECT_EQ(words(last, life.grid), "break:502 finish:failed") << "the client's last byte with the record";
  const auto* f = find<action::Finish>(last);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->outcome, grid::Outcome::Failed);
  EXPECT_EQ(f->code, "node_lost");
  EXPECT_EQ(f->usage.completion_tokens, 4U);
}

TEST(RequestLife, AClientThatTakesNothingIsGone) {
  Life life;
  life.reach(State::Relaying);
  life.on(event::Progress{1, 100});
  EXPECT_EQ(life.alarm_after(30s), "alarm");
  EXPECT_EQ(life.alarm_after(30s), "cancel alarm");
  EXPECT_EQ(life.alarm_after(2s), "finish:client_gone");
}

TEST(RequestLife, TheWholeRequestIsBounded) {
  Life life;
  life.reach(State::Relaying);
  for (int s = 0; s < 599; s += 20) {
    life.on(event::Progress{1, 1});
    life.on(event::Delivered{1, 1});
    if (s < 580) {
      ASSERT_EQ(life.alarm_after(20s), "alarm");
    }
  }
  EXPECT_EQ(life.alarm_after(20s), "cancel alarm");
  EXPECT_EQ(life.on(event::End{1, {1, 1, 0}, "cancelled", false}), "break:504 finish:timed_out");
}

TEST(RequestLife, FaultsAreThePlacesAndRefusalsAreNot) {
  const auto fault = [](const std::vector<Action>& actions) {
    const auto* seen = find<action::Observed>(actions);
    return seen != nullptr && seen->fault;
  };
  Life life;
  life.on(event::Start{});
  EXPECT_FALSE(fault(life.raw(refused(1, Verdict::Elsewhere))));
  EXPECT_TRUE(fault(life.raw(event::Lost{2, kNone, "reset"})));
  life.grid.now += 40ms;
  life.on(event::Head{3, kNone, Resume::Tokens, 0});
  const auto* seen = find<action::Observed>(life.raw(event::Progress{3, 9, 1, Resume::Tokens}));
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->after, 40ms);
  EXPECT_FALSE(fault(life.raw(event::Progress{3, 9, 1, Resume::Tokens})));
  EXPECT_FALSE(fault(life.raw(event::ClientGone{})));
}

TEST(RequestLife, AnAnswerInOnePieceSurvivesALostNode) {
  Life life(false);
  life.on(event::Start{});
  EXPECT_EQ(life.on(event::Head{1, life.grid.node("paris-1")}), "alarm");
  EXPECT_EQ(life.on(event::Lost{1, life.grid.node("paris-1"), "reset"}), "ask:paris alarm");
  life.on(event::Head{2, life.grid.node("paris-2")});
  EXPECT_EQ(life.on(event::End{2, {1, 2, 0}, "stop", false}), "answer complete finish:finished");
}

TEST(RequestLife, CancelWaitsForTheUsageButNotForEver) {
  Life life;
  life.reach(State::Cancelling);
  EXPECT_EQ(life.alarm_after(1s), "alarm");
  EXPECT_EQ(life.alarm_after(1s), "finish:client_gone");
}

TEST(RequestLife, ABundleChangeKeepsPlacesByName) {
  Life life;
  life.on(event::Start{});
  life.on(event::Lost{1, kNone, "reset"});  // paris is avoided; lyon asked
  auto cities = routing::four_cities();
  cities.erase(cities.begin());  // frankfurt is gone: every index moves
  TestGrid next(routing::test_inventory(cities), "paris");
  next.now = life.grid.now;
  const auto before = life.grid.tables;
  auto input = next.input;
  life->rebind(input, {*before, *next.tables});
  EXPECT_EQ(next.name(life->decision().site), "lyon");
  const auto& out = life->on_event(event::Lost{2, kNone, "reset"}, next.snapshot(), next.now);
  EXPECT_EQ(words(out, next), "ask:madrid alarm");
}

// The new law, with the same tables: `permitted` is all but `but`.
void forbid(Life& life, const char* but) {
  auto input = life.grid.input;
  input.permitted.erase(life.grid.site(but));
  life->rebind(input, {*life.grid.tables, *life.grid.tables});
}

TEST(RequestLife, ATightenedLawIsObeyedAtOnce) {
  Life asking;
  asking.reach(State::Asking);
  forbid(asking, "paris");
  EXPECT_EQ(asking.on(event::LawChanged{}), "cancel ask:lyon alarm");

  Life waiting;
  for (auto& r : waiting.grid.rows.site_rows) r.ready_nodes = 0;
  waiting.reach(State::Waiting);
  for (auto& r : waiting.grid.rows.site_rows) r.ready_nodes = 1;
  forbid(waiting, "paris");
  EXPECT_EQ(waiting.on(event::LawChanged{}), "ask:lyon alarm");

  Life relaying;
  relaying.reach(State::Relaying);
  forbid(relaying, "lyon");
  EXPECT_EQ(relaying.on(event::LawChanged{}), "") << "it runs elsewhere";
  forbid(relaying, "paris");
  EXPECT_EQ(relaying.on(event::LawChanged{}), "cancel alarm");
  const auto& last = relaying.raw(event::End{1, {10, 4, 0}, "cancelled", false});
  EXPECT_EQ(words(last, relaying.grid), "break:502 finish:failed");
  EXPECT_EQ(find<action::Fail>(last)->code, "policy_cut");

  Life whole(false);
  whole.reach(State::Relaying);
  forbid(whole, "paris");
  EXPECT_EQ(whole.on(event::LawChanged{}), "cancel ask:lyon alarm") << "the client has seen nothing yet";

  Life nowhere;
  nowhere.reach(State::Asking);
  auto input = nowhere.grid.input;
  input.permitted = {};
  nowhere->rebind(input, {*nowhere.grid.tables, *nowhere.grid.tables});
  EXPECT_EQ(nowhere.on(event::LawChanged{}), "cancel fail:403 finish:refused");
}

// Forbids the place where it runs, and lets it linger there.
std::string forbid_lingering(Life& life, bool lingers = true) {
  auto input = life.grid.input;
  input.permitted.erase(life.grid.site("paris"));
  if (lingers) input.lingering.insert(life.grid.site("paris"));
  life->rebind(input, {*life.grid.tables, *life.grid.tables});
  return life.on(event::LawChanged{});
}

TEST(RequestLife, WhereTheLawLetsItLingerAStreamMovesOrIsCutInTheEnd) {
  Life moved;
  stream_seven(moved);
  EXPECT_EQ(forbid_lingering(moved), "beside:lyon alarm alarm");
  EXPECT_EQ(moved.on(event::Head{2, moved.grid.node("lyon-1"), Resume::Tokens, 7}), "cancel alarm");
  EXPECT_EQ(moved.on(event::Progress{2, 10, 1, Resume::Tokens}), "") << "where it is permitted, nothing moves it on";
  moved.grid.now += 60s;
  moved.touch();
  moved.on(event::Delivered{2, 1000});  // the client has taken all
  moved.on(event::Progress{2, 10, 1, Resume::Tokens});
  EXPECT_EQ(moved.on(event::Alarm{}), "alarm");

  Life stuck;  // no tokens to go on from: it may end where it is, for a while
  stuck.reach(State::Relaying);
  EXPECT_EQ(forbid_lingering(stuck), "alarm");
  EXPECT_EQ(forbid_lingering(stuck), "alarm") << "a second change gives no second while";
  for (int i = 0; i < 5; ++i) {
    stuck.grid.now += 10s;
    stuck.touch();
    stuck.on(event::Progress{1, 0, 1, Resume::None});
    EXPECT_EQ(stuck.on(event::Alarm{}), "alarm");
  }
  stuck.grid.now += 10s;
  EXPECT_EQ(stuck.on(event::Alarm{}), "cancel alarm");
  EXPECT_EQ(stuck.on(event::End{1, {10, 4, 0}, "cancelled", false}), "break:502 finish:failed");

  Life ended;
  ended.reach(State::Relaying);
  forbid_lingering(ended);
  EXPECT_EQ(ended.on(event::End{1, {10, 4, 0}, "stop", false}), "complete finish:finished");

  Life tightened;
  tightened.reach(State::Relaying);
  forbid_lingering(tightened);
  EXPECT_EQ(forbid_lingering(tightened, false), "cancel alarm");

  Life relaxed;  // permitted again
  relaxed.reach(State::Relaying);
  forbid_lingering(relaxed);
  relaxed->rebind(relaxed.grid.input, {*relaxed.grid.tables, *relaxed.grid.tables});
  EXPECT_EQ(relaxed.on(event::LawChanged{}), "");
  relaxed.grid.now += 61s;
  relaxed.touch();
  relaxed.on(event::Progress{1, 0, 1, Resume::None});
  EXPECT_EQ(relaxed.on(event::Alarm{}), "alarm");

  Life lost;  // nothing begins again where it only lingers
  stream_seven(lost);
  forbid_lingering(lost);
  EXPECT_EQ(lost.on(event::Lost{1, kNone, "reset"}).substr(0, 14), "cancel ask:lyo");

  Life asking;  // nor does what had not begun
  asking.reach(State::Asking);
  EXPECT_EQ(forbid_lingering(asking), "cancel ask:lyon alarm");
}

TEST(RequestLife, ARefusalCanOnlyBeAnError) {
  struct {
    int status;
    const char* code;
    int given;
  } cases[] = {{400, "bad", 400}, {200, "ok", 502}, {0, "x", 502}, {700, "x", 502}, {404, "", 502}};
  for (const auto& c : cases) {
    Life life;
    life.on(event::Start{});
    auto r = refused(1, Verdict::Never, c.status, c.code);
    r.param = "messages";
    const auto& out = life.raw(r);
    EXPECT_EQ(find<action::Fail>(out)->status, c.given);
    EXPECT_EQ(find<action::Fail>(out)->param, "messages");
    EXPECT_EQ(find<action::Finish>(out)->status, c.given);
  }
}

TEST(RequestLife, ItsExplanationRepeatsItsDecision) {
  Life life;
  life.on(event::Start{});
  life.on(event::Lost{1, kNone, "reset"});
  const auto why = life->explain(life.grid.snapshot(), life.grid.now);
  ASSERT_EQ(why.candidates.size(), 4U);
  EXPECT_STREQ(why.candidates[3].rule, routing::rule::kExcluded);
  EXPECT_EQ(why.candidates[1].failed, routing::Filter::None);
}

}  // namespace
}  // namespace aigrid::dispatch
