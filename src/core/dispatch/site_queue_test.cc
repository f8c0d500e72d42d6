#include "core/dispatch/site_queue.h"

#include <gtest/gtest.h>

#include "core/routing/test_grid.h"

namespace aigrid::dispatch {
namespace {

using routing::TestGrid;

class Queue : public ::testing::Test {
 protected:
  // `grant:1@paris-1 refuse:2 alarm`
  std::string on(const QueueEvent& e) {
    struct Visitor {
      const TestGrid& grid;
      std::string operator()(const queue_action::Grant& g) const {
        return "grant:" + std::to_string(g.ticket) + "@" + grid.tables->nodes[g.decision.node].spec.name;
      }
      std::string operator()(const queue_action::Refuse& r) const {
        return "refuse:" + std::to_string(r.ticket) + (r.better ? ">" + grid.name(r.better->site) : "");
      }
      std::string operator()(const queue_action::SetAlarm& a) const { return a.at == kNever ? "calm" : "alarm"; }
    };
    std::string out;
    for (const auto& a : queue.on_event(e, grid.snapshot(), grid.now)) {
      out += (out.empty() ? "" : " ") + std::visit(Visitor{grid}, a);
    }
    return out;
  }
  // By one that has been handed on already: it waits here.
  std::string ask(Ticket t, Duration remaining = 20s, std::vector<routing::Excluded> excluded = {}) {
    auto input = grid.input;
    input.hops = 1;
    return on(queue_event::Ask{t, input, std::move(excluded), remaining});
  }
  routing::SiteRow row() const { return queue.row(grid.snapshot(), grid.now); }

  TestGrid grid{routing::test_inventory(routing::four_cities(), 1), "lyon"};  // one node, one slot
  SiteQueue queue{0, {.depth = 3, .max_wait = 30s}, 1};
};

TEST_F(Queue, FirstComeFirstServedAndNeverOverCommitted) {
  EXPECT_EQ(ask(1), "grant:1@lyon-1");
  EXPECT_EQ(ask(2), "alarm");
  EXPECT_EQ(ask(3), "");
  EXPECT_EQ(on(queue_event::RowsChanged{}), "") << "the row still says that nothing runs";
  EXPECT_EQ(on(queue_event::Ended{1}), "grant:2@lyon-1");
  EXPECT_EQ(on(queue_event::Ended{2}), "grant:3@lyon-1 calm");
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_EQ(queue.granted(), 1U);
}

TEST_F(Queue, WhatAnotherOwnerGaveIsCounted) {
  EXPECT_EQ(on(queue_event::Held{9, grid.node("lyon-1")}), "");
  EXPECT_EQ(on(queue_event::Held{8, routing::kNone}), "") << "a node that this bundle does not know";
  EXPECT_EQ(ask(1), "alarm");
  EXPECT_EQ(on(queue_event::Ended{9}), "grant:1@lyon-1 calm");
}

TEST_F(Queue, TooDeepIsRefusedAtOnce) {
  for (Ticket t = 1; t <= 4; ++t) ask(t);
  EXPECT_EQ(queue.waiting(), 3U);
  EXPECT_EQ(ask(5), "refuse:5");
}

TEST_F(Queue, TheTiersAboveGoFirstAndNobodyStarves) {
  const auto ask_as = [&](Ticket t, grid::Tier tier, Duration remaining = 30s) {
    grid.input.tier = tier;
    return ask(t, remaining);
  };
  ask(1);
  ask_as(2, grid::Tier::Batch);
  ask_as(3, grid::Tier::Economy);
  ask_as(4, grid::Tier::Standard);
  EXPECT_EQ(ask_as(5, grid::Tier::Realtime), "refuse:2") << "full: the last in order makes room";
  EXPECT_EQ(ask_as(6, grid::Tier::Batch), "refuse:6");
  EXPECT_EQ(ask_as(7, grid::Tier::Realtime, 0ms), "refuse:7") << "who does not wait takes nobody's place";
  EXPECT_EQ(on(queue_event::Ended{1}), "grant:5@lyon-1");
  EXPECT_EQ(on(queue_event::Ended{5}), "grant:4@lyon-1");
  // The economy ticket has waited for longer than it yields.
  grid.now += 6s;
  grid.node_row("lyon-1").at = grid.now;
  ask_as(8, grid::Tier::Realtime);
  EXPECT_EQ(on(queue_event::Ended{4}).substr(0, 7), "grant:3");
  EXPECT_EQ(on(queue_event::Ended{3}).substr(0, 7), "grant:8");
}

TEST_F(Queue, WaitingEndsAtTheShorterDeadline) {
  ask(1);
  ask(2, 5s);
  ask(3, 90s);
  grid.now += 5s;
  grid.node_row("lyon-1").at = grid.now;
  EXPECT_EQ(on(queue_event::Alarm{}), "refuse:2 alarm");
  grid.now += 25s;
  grid.node_row("lyon-1").at = grid.now;
  EXPECT_EQ(on(queue_event::Alarm{}), "refuse:3");
}

TEST_F(Queue, AnEarlyAlarmIsSetAgain) {
  ask(1);
  ask(2, 5s);
  EXPECT_EQ(on(queue_event::Alarm{}), "alarm");
}

TEST_F(Queue, NoReadyNodeIsRefusedAtOnceEvenWhatWaits) {
  ask(1);
  ask(2);
  grid.node_row("lyon-1").present = false;
  EXPECT_EQ(on(queue_event::RowsChanged{}), "refuse:2 calm");
  EXPECT_EQ(ask(3), "refuse:3");
  EXPECT_EQ(on(queue_event::Ended{1}), "");
  grid.node_row("lyon-1").present = true;
  EXPECT_EQ(ask(4), "grant:4@lyon-1");
}

TEST_F(Queue, CancelledBeforeTheGrantLeavesAndAfterItHoldsTheSlot) {
  ask(1);
  ask(2);
  ask(3);
  EXPECT_EQ(on(queue_event::Cancelled{2}), "");
  EXPECT_EQ(on(queue_event::Cancelled{1}), "") << "the engine has not stopped yet";
  EXPECT_EQ(on(queue_event::Ended{1}), "grant:3@lyon-1 calm");
}

TEST_F(Queue, ATicketThatCannotUseTheFreeNodeDoesNotBlockTheNext) {
  grid = TestGrid(routing::test_inventory(routing::four_cities(), 1), "paris");
  const routing::Excluded no1{grid.here, grid.node("paris-1")};
  const routing::Excluded no2{grid.here, grid.node("paris-2")};
  EXPECT_EQ(ask(1, 20s, {no1}), "grant:1@paris-2");
  EXPECT_EQ(ask(2, 20s, {no1}), "alarm") << "waits for paris-2";
  EXPECT_EQ(ask(3, 20s, {no2}), "grant:3@paris-1");
  EXPECT_EQ(ask(4, 20s, {no1, no2}), "refuse:4");
  EXPECT_EQ(on(queue_event::Ended{1}), "grant:2@paris-2 calm");
}

TEST_F(Queue, WhoWouldWaitIsHandedOnOnceToWhereItNeedNot) {
  const auto fresh = [&](Ticket t) { return on(queue_event::Ask{t, grid.input, {}, 20s}); };
  EXPECT_EQ(fresh(1), "grant:1@lyon-1") << "a free slot here is taken";
  for (const auto* site : {"frankfurt", "madrid"}) grid.input.permitted.erase(grid.site(site));
  EXPECT_EQ(fresh(2), "refuse:2>paris");
  EXPECT_EQ(ask(2), "alarm") << "the second time it is kept";
  grid.row("paris").free_slots = 0;
  grid.row("paris").wait_ms = 20'000;
  EXPECT_EQ(fresh(3), "") << "nowhere better";
  EXPECT_EQ(queue.waiting(), 2U);
}

TEST_F(Queue, ForbiddenHereIsRefusedByResidency) {
  grid.input.permitted.erase(grid.here);
  const auto& out = queue.on_event(queue_event::Ask{1, grid.input, {}, 5s}, grid.snapshot(), grid.now);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(std::get<queue_action::Refuse>(out[0]).by, routing::Filter::Residency);
}

TEST_F(Queue, ItsRowTellsPeersWhatToExpect) {
  EXPECT_EQ(row().free_slots, 1);
  EXPECT_FLOAT_EQ(row().wait_ms, 0);
  ask(1);
  grid.now += 2s;
  grid.node_row("lyon-1").at = grid.now;
  on(queue_event::Ended{1});  // a service time of 2 s is known now
  ask(2);
  EXPECT_EQ(row().free_slots, 0);
  EXPECT_FLOAT_EQ(row().wait_ms, 2000);
  ask(3);
  EXPECT_EQ(row().queued, 1);
  EXPECT_FLOAT_EQ(row().wait_ms, 4000);
  EXPECT_EQ(row().ready_nodes, 1);
  grid.node_row("lyon-1").ready = false;
  EXPECT_EQ(row().ready_nodes, 0);
}

TEST_F(Queue, ABundleChangeKeepsGrantsByName) {
  ask(1);
  ask(2);
  auto cities = routing::four_cities();
  cities.erase(cities.begin());
  TestGrid next(routing::test_inventory(cities, 1), "lyon");
  queue.rebind({*grid.tables, *next.tables});
  const auto now = grid.now;
  grid = std::move(next);
  grid.now = now;
  EXPECT_EQ(on(queue_event::RowsChanged{}), "") << "the slot is still taken";
  EXPECT_EQ(on(queue_event::Ended{1}), "grant:2@lyon-1 calm");

  auto none = routing::test_inventory(cities, 1);
  none.deployments.clear();
  const auto empty = *routing::compile(none);
  ask(3);
  queue.rebind({*grid.tables, *empty});
  EXPECT_EQ(on(queue_event::RowsChanged{}), "refuse:3 calm");
}

}  // namespace
}  // namespace aigrid::dispatch
