#include "core/routing/relay.h"

#include <gtest/gtest.h>

#include "core/routing/choose.h"
#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

// Paris asks; its link to lyon is dead.
class Relay : public ::testing::Test {
 protected:
  Relay() {
    auto cities = four_cities();
    cities.push_back({"nice", 43.70, 7.27, 1, "FR"});
    grid = TestGrid(test_inventory(cities), "paris");
    link("lyon").up = false;
    link("frankfurt").rtt_ms = 9;
    link("madrid").rtt_ms = 20;
    link("nice").rtt_ms = 30;
  }
  LinkRow& link(std::string_view site) { return grid.rows.links[grid.site(site)]; }
  std::string ways() {
    std::string out;
    for (const auto s : relay_sites(grid.snapshot(), grid.site("lyon"))) out += (out.empty() ? "" : " ") + grid.name(s);
    return out;
  }
  TestGrid grid{test_inventory(four_cities())};
};

TEST_F(Relay, TheSameJurisdictionFirstThenTheShortestWay) { EXPECT_EQ(ways(), "nice frankfurt madrid"); }

TEST_F(Relay, OnlyLiveDirectLinks) {
  link("nice").up = false;
  link("madrid").via = grid.site("frankfurt");
  EXPECT_EQ(ways(), "frankfurt");
  link("frankfurt").up = false;
  EXPECT_EQ(ways(), "");
}

TEST_F(Relay, ARequestTakesTheWayOnlyWhereItMayPass) {
  link("lyon") = {true, grid.site("frankfurt"), 12, 1, 0, grid.now};
  for (const auto* site : {"frankfurt", "madrid", "nice", "paris"}) grid.input.permitted.erase(grid.site(site));
  Random random(1);
  auto d = choose_site(grid.snapshot(), grid.input, grid.now, random, nullptr);
  EXPECT_EQ(d.refused_by, Filter::Capacity) << "another way may open";
  EXPECT_STREQ(d.rule, rule::kForbiddenWay);
  grid.input.relay.insert(grid.site("frankfurt"));
  d = choose_site(grid.snapshot(), grid.input, grid.now, random, nullptr);
  ASSERT_TRUE(d.ok());
  EXPECT_EQ(grid.name(d.site), "lyon");
  EXPECT_EQ(grid.name(d.via), "frankfurt");
  EXPECT_NE(sentence(*grid.tables, d).find("lyon answered: 12 ms away by way of frankfurt, "), std::string::npos)
      << sentence(*grid.tables, d);
}

TEST_F(Relay, ABundleChangeKeepsTheWayByName) {
  link("lyon") = {true, grid.site("madrid"), 12, 1, 0, grid.now};
  auto cities = four_cities();
  cities.erase(cities.begin());  // frankfurt goes: every index moves
  TestGrid next(test_inventory(cities), "paris");
  auto rows = grid.rows;
  rows.rebind(*grid.tables, *next.tables);
  EXPECT_EQ(rows.links[next.site("lyon")].via, next.site("madrid"));
  EXPECT_TRUE(rows.links[next.site("lyon")].up);
  link("lyon").via = grid.site("frankfurt");
  rows = grid.rows;
  rows.rebind(*grid.tables, *next.tables);
  EXPECT_EQ(rows.links[next.site("lyon")].via, kNone);
  EXPECT_FALSE(rows.links[next.site("lyon")].up);
}

}  // namespace
}  // namespace aigrid::routing
