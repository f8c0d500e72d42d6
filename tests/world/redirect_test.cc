// A queue's redirect: three ingresses herd to the same near site at once, each sure of its free slots; that site hands
// on what would wait to a farther one that is idle, once, and never beyond what a tenant permits.
#include <gtest/gtest.h>

#include <algorithm>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using Asks = std::vector<std::shared_ptr<Asked>>;

class Redirect : public ::testing::Test {
 protected:
  Redirect() : grid(options()) {}

  static GridOptions options() {
    GridOptions o;
    o.sites = {"lyon", "zurich", "nice", "lille", "metz"};
    return o;
  }
  // Lyon and zurich serve; lyon is nearest to the three where clients come in.
  void SetUp() override {
    for (const auto& site : kIngresses) {
      grid.world().set_link(site, "lyon", {2ms, {}});
      grid.world().set_link(site, "zurich", {12ms, {}});
    }
    ASSERT_TRUE(grid.start());
    for (const auto& site : kIngresses) grid.world().kill(WorldGrid::node_host(site + "-1"));
    grid.world().run_for(3s);
  }
  Asks herd(const std::string& key, const std::string& intent = "") {
    Asks out;
    for (const auto& site : kIngresses) {
      for (int i = 0; i < 2; ++i) {
        Ask what;
        what.key = key;
        what.intent = intent;
        what.max_tokens = 200;
        out.push_back(grid.ask(site, what));
      }
    }
    EXPECT_TRUE(grid.wait_over(out, 60s));
    for (const auto& a : out) EXPECT_TRUE(a->complete) << a->status << a->code << a->why;
    return out;
  }
  std::size_t handed_on(const std::string& request = "") const {
    const std::string& log = grid.world().log_of("lyon/gateway");
    std::size_t n = 0;
    for (std::size_t at = 0; (at = log.find("\"handed_on\"", at)) != std::string::npos; ++at) {
      n += log.substr(at, log.find('\n', at) - at).find(request) != std::string::npos ? 1 : 0;
    }
    return n;
  }
  static std::size_t at(const Asks& all, const std::string& site) {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](auto& a) { return a->site == site; }));
  }

  const std::vector<std::string> kIngresses = {"nice", "lille", "metz"};
  WorldGrid grid;
};

TEST_F(Redirect, AHerdIsSpreadByTheQueueThatSeesIt) {
  const auto all = herd(grid.free_key());
  EXPECT_GE(at(all, "zurich"), 2U) << "its two free slots were not used";
  EXPECT_GE(handed_on(), 2U);
  for (const auto& a : all) EXPECT_LE(handed_on(a->request_id), 1U) << "once";
  const auto soon = std::count_if(all.begin(), all.end(), [](auto& a) { return a->first - a->asked < 500ms; });
  EXPECT_GE(soon, 4) << "four slots were free";
}

TEST_F(Redirect, NeverBeyondWhatTheTenantPermits) {
  const auto before = grid.counted("zurich-1").requests;
  const auto all = herd(grid.fr_key());
  EXPECT_EQ(at(all, "lyon"), all.size());
  EXPECT_EQ(handed_on(), 0U);
  EXPECT_EQ(grid.counted("zurich-1").requests, before);
}

TEST_F(Redirect, WhoNamesTheSiteWaitsThere) {
  const auto all = herd(grid.free_key(), "only=\"lyon\"");
  EXPECT_EQ(at(all, "lyon"), all.size());
  EXPECT_EQ(handed_on(), 0U);
}

}  // namespace
}  // namespace aigrid::world
