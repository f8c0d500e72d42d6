// 1,000 requests, one site killed in the middle, from many seeds; and the same seed twice.
#include "world/campaign.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "world/seeds.h"

namespace aigrid::world {
namespace {

TEST(Campaign, ThousandRequestsAndOneSiteKilled) {
  double seconds = 0;
  std::size_t requests = 0;
  for (const auto seed : seeds()) {
    SCOPED_TRACE(replay(seed, "Campaign.ThousandRequestsAndOneSiteKilled"));
    CampaignOptions options;
    options.seed = seed;
    options.leavers_in_1000 = seed % 2 == 0 ? 30 : 0;
    Campaign campaign(options);
    campaign.run();
    seconds += campaign.load_seconds();
    requests += options.requests;
    if (HasFailure()) break;
  }
  std::printf("%zu simulated requests in %.2f s of real time: %.0f per second\n", requests, seconds,
              static_cast<double>(requests) / seconds);
}

TEST(Campaign, SameSeedSameLogByteForByte) {
  const auto run = [](std::uint64_t seed) {
    CampaignOptions options;
    options.seed = seed;
    options.requests = 300;
    options.leavers_in_1000 = 30;
    options.event_log = true;
    Campaign campaign(options);
    campaign.run();
    std::string all = campaign.grid().world().event_log();
    for (const auto& site : campaign.grid().options().sites) all += campaign.grid().world().log_of(site + "/gateway");
    return all + campaign.grid().world().log_of("control/control");
  };
  const std::uint64_t seed = seeds(1).front();
  SCOPED_TRACE(replay(seed, "Campaign.SameSeedSameLogByteForByte"));
  const std::string first = run(seed);
  const std::string second = run(seed);
  EXPECT_EQ(first.size(), second.size());
  EXPECT_TRUE(first == second) << "they part at byte "
                               << std::mismatch(first.begin(), first.end(), second.begin(), second.end()).first -
                                      first.begin();
  EXPECT_GT(first.size(), 100'000U);
}

}  // namespace
}  // namespace aigrid::world
