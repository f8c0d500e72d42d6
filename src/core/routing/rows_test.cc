#include <gtest/gtest.h>

#include "core/routing/rebind.h"
#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

TEST(Rows, ABundleChangeCarriesThemByName) {
  TestGrid g(test_inventory(four_cities()));
  g.row("paris").queued = 7;
  g.row("paris").own_inflight = 3;
  g.node_row("paris-2").running = 2;
  g.rows.links[g.site("paris")].rtt_ms = 4.5F;
  const auto before = g.tables;

  auto cities = four_cities();
  cities.insert(cities.begin(), {"athens", 37.98, 23.73, 1, "GR"});
  cities.erase(cities.begin() + 2);  // lyon
  const auto after = *compile(test_inventory(cities));
  g.rows.rebind(*before, *after);
  const auto paris = *after->find_site("paris");
  EXPECT_EQ(g.rows.site(*after, 0, paris).queued, 7);
  EXPECT_EQ(g.rows.site(*after, 0, paris).own_inflight, 3U);
  EXPECT_EQ(g.rows.node(*after, 0, *after->find_node("paris-2")).running, 2);
  EXPECT_FLOAT_EQ(g.rows.links[paris].rtt_ms, 4.5F);
  EXPECT_FALSE(g.rows.site(*after, 0, *after->find_site("athens")).present);
  EXPECT_FALSE(g.rows.links[*after->find_site("athens")].up);
}

TEST(Rows, IndicesOfRequestsMoveWithThem) {
  const auto from = *compile(test_inventory(four_cities()));
  auto cities = four_cities();
  cities.erase(cities.begin());  // frankfurt
  const auto to = *compile(test_inventory(cities));
  const Rebind rebind{*from, *to};
  EXPECT_EQ(rebind.site(*from->find_site("paris")), *to->find_site("paris"));
  EXPECT_EQ(rebind.site(*from->find_site("frankfurt")), kNone);
  SiteSet two;
  two.insert(*from->find_site("frankfurt"));
  two.insert(*from->find_site("paris"));
  EXPECT_EQ(rebind.sites(two).size(), 1U);
  std::vector<Excluded> list{{*from->find_site("frankfurt"), kNone},
                             {*from->find_site("paris"), *from->find_node("paris-1")},
                             {*from->find_site("lyon"), kNone}};
  rebind.excluded(list);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].node, *to->find_node("paris-1"));
  EXPECT_EQ(list[1].node, kNone);
}

TEST(Rows, ReportsTakeInWhatWasAskedBefore) {
  TestGrid g(test_inventory(four_cities()));
  const auto paris = g.site("paris");
  g.rows.asked(*g.tables, 0, paris);
  g.rows.asked(*g.tables, 0, paris);
  EXPECT_EQ(g.row("paris").own_inflight, 2U);
  SiteRow row = g.row("paris");
  row.queued = 2;
  g.rows.report(*g.tables, 0, paris, row);
  EXPECT_EQ(g.row("paris").own_inflight, 0U);
  EXPECT_EQ(g.row("paris").queued, 2);
  g.rows.lost_site(*g.tables, paris);
  EXPECT_FALSE(g.row("paris").present);
  EXPECT_FALSE(g.rows.links[paris].up);
  g.rows.lost_node(*g.tables, g.node("lyon-1"));
  EXPECT_FALSE(g.node_row("lyon-1").present);
}

}  // namespace
}  // namespace aigrid::routing
