#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "core/routing/test_grid.h"

namespace {
std::size_t allocations = 0;  // of this program; one thread
}

// Counts; otherwise what the language does.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size != 0 ? size : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace aigrid::routing {
namespace {

TEST(ChooseAllocation, NoneWhenNobodyAsksForAnExplanation) {
  std::vector<TestSite> sites;
  for (int i = 0; i < 300; ++i)
    sites.push_back({"a-site-with-a-long-name-" + std::to_string(i), i % 60 + 1.0, i % 90 + 1.0});
  TestGrid g(test_inventory(sites));
  g.intent->only_sites = {"a-site-with-a-long-name-17", "a-site-with-a-long-name-18", "nowhere-at-all-in-this-grid"};
  const Excluded gone[] = {{g.site("a-site-with-a-long-name-17"), kNone}};
  g.input.excluded = gone;
  Random random(1);
  std::size_t before = allocations;
  const Decision site = choose_site(g.snapshot(), g.input, g.now, random, nullptr);
  const Decision node = choose_node(g.snapshot(), 0, g.input, g.now, random, nullptr);
  g.intent->only_sites = {};
  const Decision any = choose_site(g.snapshot(), g.input, g.now, random, nullptr);
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_TRUE(site.ok());
  EXPECT_TRUE(node.ok());
  EXPECT_TRUE(any.ok());

  before = allocations;
  Explanation why;
  (void)choose_site(g.snapshot(), g.input, g.now, random, &why);
  EXPECT_GT(allocations, before) << "the counter counts";
}

}  // namespace
}  // namespace aigrid::routing
