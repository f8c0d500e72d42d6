#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

// Over the whole range from the first case on.
int some(int most) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, most + 1)); }

std::vector<TestSite> places(int count) {
  std::vector<TestSite> out;
  for (int i = 0; i < count; ++i) {
    out.push_back({"s" + std::to_string(100 + i), 40.0 + some(15), some(20) - 5.0, 1 + some(2), "FR"});
  }
  return out;
}

void shake(TestGrid& g, SiteIndex s) {
  SiteRow& row = g.rows.site(*g.tables, 0, s);
  row.present = some(5) != 0;
  row.ready_nodes = static_cast<std::uint16_t>(some(3));
  row.free_slots = static_cast<std::uint16_t>(some(row.slots));
  row.wait_ms = some(3) == 0 ? kUnknown : static_cast<float>(some(40'000));
  row.own_inflight = static_cast<std::uint32_t>(some(5));
  row.at = g.now - std::chrono::milliseconds(some(12'000));
  g.rows.links[s].up = some(5) != 0;
  g.rows.links[s].rtt_ms = some(2) == 0 ? kUnknown : static_cast<float>(some(200));
}

void ask(TestGrid& g) {
  for (std::size_t s = 0; s < g.tables->sites.size(); ++s) {
    const auto site = static_cast<SiteIndex>(s);
    if (some(4) == 0) g.input.permitted.erase(site);
    if (some(6) == 0) g.intent->ignore_sites.push_back(g.name(site));
    if (some(4) == 0) g.intent->only_sites.push_back(g.name(site));
  }
  if (some(2) == 0) {
    g.intent->max_ttft_ms = 100 + some(1000);
    g.intent->require_ttft = some(1) != 0;
  }
  if (some(2) == 0) g.intent->sort = some(1) != 0 ? grid::Sort::Price : grid::Sort::Latency;
}

TEST(ChooseProperty, ThePermittedSetIsNeverLeft) {
  EXPECT_TRUE(rc::check("chosen and runner-up are permitted and pass every filter", [] {
    TestGrid g(test_inventory(places(1 + some(11))));
    for (std::size_t s = 0; s < g.tables->sites.size(); ++s) shake(g, static_cast<SiteIndex>(s));
    ask(g);
    Random random(static_cast<std::uint64_t>(some(1000)));
    Explanation why;
    const Decision d = choose_site(g.snapshot(), g.input, g.now, random, &why);
    int alive = 0;
    for (const auto& c : why.candidates) {
      if (c.failed != Filter::None) continue;
      ++alive;
      RC_ASSERT(g.input.permitted.contains(c.site));
      RC_ASSERT(std::isfinite(c.score.total()));
    }
    RC_ASSERT(d.ok() == (alive > 0));
    RC_ASSERT(why.candidates.size() == d.considered);
    if (!d.ok()) return;
    RC_ASSERT(g.input.permitted.contains(d.site));
    for (const auto& c : why.candidates) {
      if (c.failed != Filter::None) continue;
      RC_ASSERT(c.score.total() >= d.score.total() - 1.0F);
      if (c.site == d.site) RC_ASSERT(c.score.total() == d.score.total());
    }
    if (alive > 1) RC_ASSERT(d.runner_up != kNone && d.runner_up != d.site);
    if (alive > 1) RC_ASSERT(g.input.permitted.contains(d.runner_up));
  }));
}

TEST(ChooseProperty, AFurtherConstraintNeverResurrectsACandidate) {
  EXPECT_TRUE(rc::check("survivors of a narrower question are survivors of the wider one", [] {
    TestGrid g(test_inventory(places(1 + some(11))));
    for (std::size_t s = 0; s < g.tables->sites.size(); ++s) shake(g, static_cast<SiteIndex>(s));
    ask(g);
    Random random(1);
    Explanation wide;
    (void)choose_site(g.snapshot(), g.input, g.now, random, &wide);
    const auto site = static_cast<SiteIndex>(some(static_cast<int>(g.tables->sites.size()) - 1));
    const Excluded gone[] = {{site, kNone}};
    switch (some(3)) {
      case 0: g.input.permitted.erase(site); break;
      case 1: g.intent->ignore_sites.push_back(g.name(site)); break;
      case 2: g.input.excluded = gone; break;
      default:
        g.intent->require_ttft = true;
        g.intent->max_ttft_ms = std::min(g.intent->max_ttft_ms.value_or(1e9), 150.0);
    }
    Explanation narrow;
    (void)choose_site(g.snapshot(), g.input, g.now, random, &narrow);
    RC_ASSERT(wide.candidates.size() == narrow.candidates.size());
    for (std::size_t i = 0; i < wide.candidates.size(); ++i) {
      if (narrow.candidates[i].failed == Filter::None) RC_ASSERT(wide.candidates[i].failed == Filter::None);
    }
  }));
}

TEST(ChooseProperty, AddingASiteNeverMakesARoutableRequestUnroutable) {
  EXPECT_TRUE(rc::check("one more site", [] {
    auto sites = places(1 + some(9));
    TestGrid g(test_inventory(sites));
    for (std::size_t s = 0; s < g.tables->sites.size(); ++s) shake(g, static_cast<SiteIndex>(s));
    ask(g);
    Random random(1);
    const Decision before = choose_site(g.snapshot(), g.input, g.now, random, nullptr);
    RC_PRE(before.ok());
    sites.push_back({"s999", 48, 2, 1, "FR"});  // last by name: every index stays
    TestGrid h(test_inventory(sites));
    for (std::size_t s = 0; s < g.tables->sites.size(); ++s) {
      const auto i = static_cast<SiteIndex>(s);
      h.rows.site(*h.tables, 0, i) = g.rows.site(*g.tables, 0, i);
      h.rows.links[i] = g.rows.links[i];
    }
    shake(h, static_cast<SiteIndex>(g.tables->sites.size()));
    h.input.permitted = g.input.permitted;
    if (some(1) != 0) h.input.permitted.insert(static_cast<SiteIndex>(g.tables->sites.size()));
    h.input.intent = g.intent.get();
    RC_ASSERT(choose_site(h.snapshot(), h.input, h.now, random, nullptr).ok());
  }));
}

}  // namespace
}  // namespace aigrid::routing
