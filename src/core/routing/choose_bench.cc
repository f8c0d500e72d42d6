// What a decision costs: 512 sites, one deployment on all of them, 20 nodes at this one.
#include <benchmark/benchmark.h>

#include "core/routing/test_grid.h"

namespace aigrid::routing {
namespace {

TestGrid big() {
  std::vector<TestSite> sites;
  for (int i = 0; i < 512; ++i) {
    sites.push_back({"site" + std::to_string(1000 + i), 35.0 + i % 25, i % 40 - 10.0, i == 0 ? 20 : 1});
  }
  TestGrid g(test_inventory(sites));
  Random random(3);
  for (std::size_t s = 0; s < 512; ++s) {
    SiteRow& row = g.rows.site(*g.tables, 0, static_cast<SiteIndex>(s));
    row.wait_ms = static_cast<float>(random.below(50));
    g.rows.links[s].rtt_ms = static_cast<float>(random.below(60) + 1);
  }
  return g;
}

void choose_site_of_512(benchmark::State& state) {
  TestGrid g = big();
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(choose_site(g.snapshot(), g.input, g.now, random, nullptr));
}
BENCHMARK(choose_site_of_512);

void choose_node_of_20(benchmark::State& state) {
  TestGrid g = big();
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(choose_node(g.snapshot(), 0, g.input, g.now, random, nullptr));
}
BENCHMARK(choose_node_of_20);

}  // namespace
}  // namespace aigrid::routing
