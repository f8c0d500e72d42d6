#include <gmock/gmock.h>

#include <functional>

#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

class ChooseSite : public ::testing::Test {
 protected:
  Decision choose(Explanation* explanation = nullptr) {
    Random random(7);
    return choose_site(grid.snapshot(), grid.input, grid.now, random, explanation);
  }
  std::string chosen() {
    const Decision d = choose();
    return d.ok() ? grid.name(d.site) : std::string(d.rule);
  }
  TestGrid grid{test_inventory(four_cities()), "paris"};
};

TEST_F(ChooseSite, TheNearestWhenAllAreIdle) {
  const Decision d = choose();
  EXPECT_EQ(grid.name(d.site), "paris");
  EXPECT_FLOAT_EQ(d.score.rtt_ms, 0);
  EXPECT_FLOAT_EQ(d.score.prefill_ms, 100);  // 15 tokens at 150 a second
  EXPECT_EQ(grid.name(d.runner_up), "lyon");
  EXPECT_EQ(d.considered, 4);
  EXPECT_EQ(sentence(*grid.tables, d),
            "paris answered: right here, no queue, 100 ms of prefill; next best lyon at 106 ms");
}

// Each case breaks paris alone by one filter, then the whole grid: the first names lyon, the second the refusal.
struct FilterCase {
  const char* name;
  Filter filter;
  const char* rule;
  std::function<void(TestGrid&, const std::string& site)> break_one;  // null: breaks all at once only
  std::function<void(TestGrid&)> break_all;                           // null: break_one on each
};

const FilterCase kCases[] = {
    {"unknown_model", Filter::Model, rule::kUnknownModel, nullptr, [](TestGrid& g) { g.input.model = kNone; }},
    {"hidden_model", Filter::Model, rule::kHiddenModel, nullptr,
     [](TestGrid& g) {
       auto i = test_inventory(four_cities());
       i.tenants.push_back({"other", "", "", ""});
       i.models[0].tenants = {"other"};
       g = TestGrid(i, "paris");
     }},
    {"task", Filter::Feature, rule::kOtherTask, nullptr, [](TestGrid& g) { g.input.task = grid::Task::Embedding; }},
    {"context", Filter::Feature, rule::kContext, nullptr, [](TestGrid& g) { g.input.prompt_tokens = 5000; }},
    {"residency", Filter::Residency, rule::kResidency,
     [](TestGrid& g, const std::string& s) { g.input.permitted.erase(g.site(s)); }, nullptr},
    {"only", Filter::Isolation, rule::kNotOnly, nullptr, [](TestGrid& g) { g.intent->only_sites = {"atlantis"}; }},
    {"ignore", Filter::Isolation, rule::kIgnored,
     [](TestGrid& g, const std::string& s) { g.intent->ignore_sites.push_back(s); }, nullptr},
    {"price", Filter::Target, rule::kPrice, nullptr,
     [](TestGrid& g) {
       auto i = test_inventory(four_cities());
       i.price_books = {{"list", "EUR", {{"chat", 1, 300}}}};
       i.tenants[0].price_book = "list";
       g = TestGrid(i, "paris");
       g.intent->max_price_nano = 299;
     }},
    {"ttft", Filter::Target, rule::kTtft, nullptr,
     [](TestGrid& g) {
       g.intent->max_ttft_ms = 50;
       g.intent->require_ttft = true;
     }},
    {"link", Filter::Capacity, rule::kUnreachable,
     [](TestGrid& g, const std::string& s) {
       if (g.here == g.site(s)) g.here = kNone;  // a gateway elsewhere, whose links are all it has
       g.rows.links[g.site(s)] = {false, 5, 0, 0, {}};
     },
     nullptr},
    {"absent", Filter::Capacity, rule::kSilent, [](TestGrid& g, const std::string& s) { g.row(s) = {}; }, nullptr},
    {"silent", Filter::Capacity, rule::kSilent, [](TestGrid& g, const std::string& s) { g.row(s).at = g.now - 11s; },
     nullptr},
    {"not_ready", Filter::Capacity, rule::kNotReady,
     [](TestGrid& g, const std::string& s) { g.row(s).ready_nodes = 0; }, nullptr},
    {"hopeless", Filter::Capacity, rule::kHopeless,
     [](TestGrid& g, const std::string& s) { g.row(s).wait_ms = 31'000; }, nullptr},
    {"target_queue", Filter::Capacity, rule::kTargetQueue,
     [](TestGrid& g, const std::string& s) {
       g.intent->max_ttft_ms = 150;
       g.intent->require_ttft = true;
       g.row(s).wait_ms = 400;
     },
     nullptr},
};

class EveryFilter : public ::testing::TestWithParam<FilterCase> {};

TEST_P(EveryFilter, RemovesOneAndRefusesAll) {
  const FilterCase& c = GetParam();
  TestGrid g(test_inventory(four_cities()), "paris");
  for (std::size_t s = 0; s < g.tables->sites.size(); ++s) {
    if (g.here != s) g.rows.links[s].rtt_ms = g.tables->prior_rtt(g.here, static_cast<SiteIndex>(s));
  }
  Random random(1);
  if (c.break_one) {
    c.break_one(g, "paris");
    Explanation why;
    const Decision d = choose_site(g.snapshot(), g.input, g.now, random, &why);
    ASSERT_TRUE(d.ok()) << d.rule;
    EXPECT_EQ(g.name(d.site), "lyon");
    EXPECT_EQ(d.removed[static_cast<std::size_t>(c.filter)], 1);
    ASSERT_EQ(why.candidates.size(), 4U);
    EXPECT_EQ(why.candidates[3].failed, c.filter);
    EXPECT_STREQ(why.candidates[3].rule, c.rule);
    for (const char* s : {"lyon", "frankfurt", "madrid"}) c.break_one(g, s);
  } else {
    c.break_all(g);
  }
  const Decision d = choose_site(g.snapshot(), g.input, g.now, random, nullptr);
  EXPECT_EQ(d.refused_by, c.filter);
  EXPECT_STREQ(d.rule, c.rule);
}

INSTANTIATE_TEST_SUITE_P(ChooseSite, EveryFilter, ::testing::ValuesIn(kCases),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_F(ChooseSite, TheFirstFilterThatLeavesNothingNamesTheRefusal) {
  for (const char* s : {"lyon", "frankfurt", "madrid"}) grid.input.permitted.erase(grid.site(s));
  grid.row("paris").ready_nodes = 0;
  EXPECT_EQ(choose().refused_by, Filter::Capacity) << "residency left paris, capacity left nothing";
  EXPECT_EQ(choose().removed[static_cast<std::size_t>(Filter::Residency)], 3);
}

TEST_F(ChooseSite, ExclusionsTakeNodesThenTheSite) {
  std::vector<Excluded> list{{grid.site("paris"), grid.node("paris-1")}};
  grid.input.excluded = list;
  EXPECT_EQ(chosen(), "paris") << "paris-2 is left";
  list.push_back({grid.site("paris"), grid.node("paris-2")});
  grid.input.excluded = list;
  EXPECT_EQ(chosen(), "lyon");
  list = {{grid.site("paris"), kNone}, {grid.site("lyon"), kNone}};
  grid.input.excluded = list;
  EXPECT_EQ(chosen(), "frankfurt");
}

TEST_F(ChooseSite, MeasuredDistanceBeatsThePrior) {
  grid.input.permitted.erase(grid.site("paris"));
  EXPECT_EQ(chosen(), "lyon");
  grid.rows.links[grid.site("lyon")].rtt_ms = 80;
  EXPECT_EQ(chosen(), "frankfurt");
}

TEST_F(ChooseSite, QueuesSendRequestsAway) {
  grid.row("paris").wait_ms = 7;
  EXPECT_EQ(chosen(), "lyon");
}

TEST_F(ChooseSite, OwnRequestsCountBeforeAnyReport) {
  grid.row("paris").own_inflight = 3;
  EXPECT_EQ(chosen(), "paris");
  grid.row("paris").own_inflight = 4;  // all four slots are ours now
  EXPECT_EQ(chosen(), "lyon");
}

TEST_F(ChooseSite, OldRowsArePessimistic) {
  grid.row("paris").free_slots = 1;
  grid.row("paris").at = grid.now - 2s;
  EXPECT_EQ(chosen(), "lyon");
  grid.row("paris").at = grid.now - 6s;
  for (const char* s : {"lyon", "frankfurt", "madrid"}) grid.row(s).ready_nodes = 0;
  EXPECT_EQ(chosen(), "paris") << "pessimistic, but not refused";
}

TEST_F(ChooseSite, SortingByPriceOutweighsDistanceAndByLatencyIgnoresCost) {
  auto i = test_inventory(four_cities());
  for (auto& s : i.sites) s.cost_nano_per_token = s.name == "madrid" ? 100 : s.name == "lyon" ? 150 : 2000;
  grid = TestGrid(i, "paris");
  EXPECT_EQ(chosen(), "lyon") << "a fifth of a cent per thousand tokens is worth 7 ms";
  grid.intent->sort = grid::Sort::Price;
  EXPECT_EQ(chosen(), "madrid");
  grid.intent->sort = grid::Sort::Latency;
  EXPECT_EQ(chosen(), "paris");
}

TEST_F(ChooseSite, TiesAreDrawnAndTheDrawIsRepeatable) {
  for (const char* s : {"lyon", "frankfurt"}) grid.rows.links[grid.site(s)].rtt_ms = 5;
  grid.rows.links[grid.site("madrid")].rtt_ms = 6.5;
  grid.input.permitted.erase(grid.site("paris"));
  int lyon = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Random a(seed);
    Random b(seed);
    const auto d = choose_site(grid.snapshot(), grid.input, grid.now, a, nullptr);
    ASSERT_EQ(d.site, choose_site(grid.snapshot(), grid.input, grid.now, b, nullptr).site);
    ASSERT_NE(grid.name(d.site), "madrid");
    if (grid.name(d.site) == "lyon") ++lyon;
  }
  EXPECT_NEAR(lyon, 500, 60);
}

TEST_F(ChooseSite, ASentenceForEveryEnd) {
  grid.row("paris").wait_ms = 7;
  EXPECT_EQ(sentence(*grid.tables, choose()),
            "lyon answered: 6 ms away, no queue, 100 ms of prefill; next best paris at 107 ms");
  for (const char* s : {"lyon", "frankfurt", "madrid"}) grid.row(s).ready_nodes = 0;
  EXPECT_EQ(sentence(*grid.tables, choose()),
            "paris answered: right here, 7 ms of queue, 100 ms of prefill; no other of 4 places could");
  grid.row("paris").ready_nodes = 0;
  EXPECT_EQ(sentence(*grid.tables, choose()), "no place of 4: no node ready");
}

}  // namespace
}  // namespace aigrid::routing
