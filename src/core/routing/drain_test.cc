#include "core/routing/drain.h"

#include <gtest/gtest.h>

#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

grid::Inventory with_a_bound_tenant(const char* jurisdiction) {
  auto inventory = test_inventory(four_cities());
  grid::Zone zone;
  zone.name = "bound";
  zone.jurisdictions = {jurisdiction};
  inventory.zones = {zone};
  grid::Tenant tenant;
  tenant.name = "mairie";
  tenant.zone = "bound";
  inventory.tenants.push_back(tenant);
  return inventory;
}

TEST(DrainForecast, SaysWhatMovesAndWhereThereIsRoom) {
  TestGrid grid(with_a_bound_tenant("FR"), "paris");
  grid.node_row("paris-1").running = 2;
  grid.node_row("paris-2").running = 1;
  grid.node_row("lyon-1").running = 1;
  const auto site = drain_forecast(*grid.tables, grid.rows.node_rows, grid.site("paris"), kNone);
  ASSERT_EQ(site.parts.size(), 1U);
  EXPECT_EQ(site.running, 3U);
  EXPECT_EQ(site.parts[0].free_slots, 4U + 1U + 2U);
  EXPECT_EQ(site.parts[0].rooms[0].site, "frankfurt");
  EXPECT_TRUE(site.stranded.empty()) << "lyon is French, too";
  EXPECT_TRUE(site.fits());

  const auto node = drain_forecast(*grid.tables, grid.rows.node_rows, grid.site("paris"), grid.node("paris-1"));
  EXPECT_EQ(node.running, 2U);
  EXPECT_EQ(node.parts[0].free_slots, 1U + 4U + 1U + 2U) << "its neighbour counts";
}

TEST(DrainForecast, SaysWhoWouldBeLeftWithNothing) {
  TestGrid grid(with_a_bound_tenant("ES"), "paris");
  const auto forecast = drain_forecast(*grid.tables, grid.rows.node_rows, grid.site("madrid"), kNone);
  ASSERT_EQ(forecast.stranded.size(), 1U);
  EXPECT_EQ(forecast.stranded[0].tenant, "mairie");
  EXPECT_EQ(forecast.stranded[0].model, "chat");
  EXPECT_FALSE(forecast.fits());
  EXPECT_TRUE(drain_forecast(*grid.tables, grid.rows.node_rows, grid.site("paris"), kNone).stranded.empty());
}

TEST(DrainForecast, FullOrClosedPlacesAreNoRoom) {
  TestGrid grid(test_inventory(four_cities()), "paris");
  for (auto& r : grid.rows.node_rows) r.running = 2;
  const auto full = drain_forecast(*grid.tables, grid.rows.node_rows, grid.site("paris"), kNone);
  EXPECT_EQ(full.parts[0].free_slots, 0U);
  EXPECT_FALSE(full.fits());
  for (auto& r : grid.rows.node_rows) r.running = 0, r.ready = false;
  EXPECT_TRUE(drain_forecast(*grid.tables, grid.rows.node_rows, grid.site("paris"), kNone).parts[0].rooms.empty());
}

}  // namespace
}  // namespace aigrid::routing
