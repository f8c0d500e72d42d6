#include "core/dispatch/slot_desk.h"

#include <gtest/gtest.h>

#include <set>

namespace aigrid::dispatch {
namespace {

const Member kA{"a-gw", 0};
const Member kB{"b-gw", 0};

TEST(Ownership, OneThatGoesMovesOnlyItsOwn) {
  std::vector<Member> all;
  for (const char* gateway : {"g1", "g2", "g3"}) {
    for (std::uint32_t w = 0; w < 2; ++w) all.push_back({gateway, w});
  }
  std::vector<Member> without(all.begin(), all.end() - 1);
  std::map<Member, int> owned;
  int moved = 0;
  for (int d = 0; d < 1200; ++d) {
    const std::string deployment = "d" + std::to_string(d);
    const Member& before = owner_of(deployment, all);
    ++owned[before];
    if (before == all.back()) continue;
    if (owner_of(deployment, without) != before) ++moved;
    EXPECT_EQ(owner_of(deployment, {all.rbegin(), all.rend()}), before);
  }
  EXPECT_EQ(moved, 0);
  EXPECT_EQ(owned.size(), all.size());
  for (const auto& [member, n] : owned) EXPECT_NEAR(n, 200, 60) << member.gateway << member.worker;
}

TEST(Ownership, EqualsTakeTurns) {
  const std::string a = "a";
  const std::string b = "b";
  EXPECT_EQ(next_in_turn("", {}), nullptr);
  EXPECT_EQ(*next_in_turn("", {&a, &b}), "a");
  EXPECT_EQ(*next_in_turn("a", {&a, &b}), "b");
  EXPECT_EQ(*next_in_turn("b", {&a, &b}), "a");
  EXPECT_EQ(*next_in_turn("a", {&a}), "a");
}

class Desk : public ::testing::Test {
 protected:
  // `claim:1#7@a-gw claim:2#7@b-gw(held n1) drop:1 grant:7@n1 refuse:7 alarm`
  std::string on(const DeskEvent& e) {
    struct Visitor {
      std::string operator()(const desk_action::Claim& c) const {
        return "claim:" + std::to_string(c.claim) + "#" + std::to_string(c.ticket) + "@" + c.owner.gateway +
               (c.held.empty() ? "" : "(held " + c.held + ")");
      }
      std::string operator()(const desk_action::Drop& d) const { return "drop:" + std::to_string(d.claim); }
      std::string operator()(const desk_action::Grant& g) const {
        return "grant:" + std::to_string(g.ticket) + "@" + g.node;
      }
      std::string operator()(const desk_action::Refuse& r) const {
        return "refuse:" + std::to_string(r.ticket) + r.better;
      }
      std::string operator()(const desk_action::SetAlarm&) const { return "alarm"; }
    };
    std::string out;
    for (const auto& a : desk.on_event(e, now)) out += (out.empty() ? "" : " ") + std::visit(Visitor{}, a);
    return out;
  }
  std::string ask(Ticket t, Duration remaining = 20s) { return on(desk_event::Ask{t, of_b, remaining}); }
  std::string both() { return on(desk_event::Living{{kA, kB}}); }
  std::string alone() { return on(desk_event::Living{{kA}}); }

  // A deployment that b-gw owns when both live.
  static std::string owned_by(const Member& who) {
    for (int i = 0;; ++i) {
      const std::string name = "d" + std::to_string(i);
      if (owner_of(name, {kA, kB}) == who) return name;
    }
  }

  SlotDesk desk{kA, 100ms};
  std::string of_b = owned_by(kB);
  Time now{100s};
};

TEST_F(Desk, AloneItAsksItself) {
  EXPECT_TRUE(desk.owns(of_b));
  EXPECT_EQ(ask(7), "claim:1#7@a-gw");
  EXPECT_EQ(on(desk_event::Granted{1, "n1"}), "grant:7@n1");
  EXPECT_EQ(on(desk_event::Released{7}), "drop:1");
  EXPECT_EQ(on(desk_event::Released{7}), "");
  EXPECT_EQ(desk.tickets(), 0U);
}

TEST_F(Desk, WhereItGetsItsTurnSoonerIsPassedOn) {
  ask(7);
  EXPECT_EQ(on(desk_event::Refused{1, "long queue", ">lyon"}), "refuse:7>lyon");
}

TEST_F(Desk, RefusedEndsTheTicketOnce) {
  ask(7);
  EXPECT_EQ(on(desk_event::Refused{1, "full", ""}), "refuse:7");
  EXPECT_EQ(on(desk_event::Refused{1, "full", ""}), "");
  EXPECT_EQ(on(desk_event::Released{7}), "");
}

TEST_F(Desk, WhatWaitsMovesToTheNewOwnerInOrder) {
  ask(7);
  ask(8);
  EXPECT_EQ(both(), "drop:1 claim:3#7@b-gw drop:2 claim:4#8@b-gw");
  EXPECT_EQ(on(desk_event::Granted{1, "n1"}), "") << "the old owner's word no longer counts";
  EXPECT_EQ(on(desk_event::Granted{3, "n2"}), "grant:7@n2");
  EXPECT_EQ(both(), "") << "nothing changed";
}

TEST_F(Desk, WhatIsHeldIsToldToTheNewOwner) {
  ask(7);
  on(desk_event::Granted{1, "n1"});
  EXPECT_EQ(both(), "drop:1 claim:2#7@b-gw(held n1)");
  EXPECT_EQ(on(desk_event::Granted{2, "n1"}), "") << "it is granted once";
  EXPECT_EQ(alone(), "drop:2 claim:3#7@a-gw(held n1)");
  EXPECT_EQ(on(desk_event::Released{7}), "drop:3");
}

TEST_F(Desk, AHeldSlotThatTheNewOwnerRefusesRunsOn) {
  ask(7);
  on(desk_event::Granted{1, "n1"});
  both();
  EXPECT_EQ(on(desk_event::Refused{2, "unknown node", ""}), "");
  EXPECT_EQ(desk.tickets(), 1U);
  EXPECT_EQ(on(desk_event::Released{7}), "");
}

TEST_F(Desk, ALostOwnerIsReplacedAtOnceWhenItIsKnownToBeGone) {
  both();
  EXPECT_EQ(ask(7), "claim:1#7@b-gw");
  EXPECT_EQ(on(desk_event::Lost{1}), "alarm") << "perhaps only the way was lost";
  EXPECT_EQ(alone(), "claim:2#7@a-gw");
  EXPECT_EQ(on(desk_event::Granted{2, "n1"}), "grant:7@n1");
  now += 100ms;
  EXPECT_EQ(on(desk_event::Alarm{}), "");
}

TEST_F(Desk, ALostWayIsTriedAgainUntilTheTimeIsUp) {
  both();
  ask(7, 150ms);
  EXPECT_EQ(on(desk_event::Lost{1}), "alarm");
  now += 100ms;
  EXPECT_EQ(on(desk_event::Alarm{}), "claim:2#7@b-gw");
  EXPECT_EQ(on(desk_event::Lost{2}), "alarm");
  now += 100ms;
  EXPECT_EQ(on(desk_event::Alarm{}), "refuse:7");
  EXPECT_EQ(desk.tickets(), 0U);
}

TEST_F(Desk, ReleasedWhileNobodyIsAskedLeavesNothing) {
  both();
  ask(7);
  on(desk_event::Lost{1});
  EXPECT_EQ(on(desk_event::Released{7}), "");
  now += 100ms;
  EXPECT_EQ(on(desk_event::Alarm{}), "");
}

// Whatever happens in whatever order: every claim is dropped, refused or lost exactly once, every ticket is answered at
// most once, and at the end nothing is left.
TEST_F(Desk, NoClaimIsForgotten) {
  Random random(7);
  std::set<ClaimId> open;
  std::set<Ticket> answered;
  std::set<Ticket> alive;
  Ticket last = 0;
  const auto act = [&](const DeskEvent& e) {
    for (const auto& a : desk.on_event(e, now)) {
      if (const auto* c = std::get_if<desk_action::Claim>(&a)) {
        EXPECT_TRUE(open.insert(c->claim).second);
      } else if (const auto* d = std::get_if<desk_action::Drop>(&a)) {
        EXPECT_EQ(open.erase(d->claim), 1U);
      } else if (const auto* g = std::get_if<desk_action::Grant>(&a)) {
        EXPECT_TRUE(answered.insert(g->ticket).second);
      } else if (const auto* r = std::get_if<desk_action::Refuse>(&a)) {
        EXPECT_TRUE(answered.insert(r->ticket).second);
        alive.erase(r->ticket);
      }
    }
  };
  for (int i = 0; i < 20'000; ++i) {
    now += 10ms;
    const auto any = [&](const auto& set) {
      return *std::next(set.begin(), static_cast<long>(random.below(set.size())));
    };
    switch (random.below(7)) {
      case 0: alive.insert(++last), act(desk_event::Ask{last, "d" + std::to_string(last % 9), 5s}); break;
      case 1:
        if (!open.empty()) act(desk_event::Granted{any(open), "n1"});
        break;
      case 2:
      case 3:
        if (!open.empty()) {
          const ClaimId claim = any(open);
          open.erase(claim);
          act(random.below(2) == 0 ? DeskEvent(desk_event::Lost{claim})
                                   : DeskEvent(desk_event::Refused{claim, "", ""}));
        }
        break;
      case 4:
        if (!alive.empty()) {
          const Ticket ticket = any(alive);
          alive.erase(ticket);
          act(desk_event::Released{ticket});
        }
        break;
      case 5:
        act(desk_event::Living{random.below(2) == 0 ? std::vector<Member>{kA} : std::vector<Member>{kA, kB}});
        break;
      default: act(desk_event::Alarm{});
    }
    ASSERT_EQ(desk.tickets(), alive.size());
  }
  for (const Ticket ticket : alive) act(desk_event::Released{ticket});
  EXPECT_EQ(desk.tickets(), 0U);
  EXPECT_TRUE(open.empty());
}

}  // namespace
}  // namespace aigrid::dispatch
