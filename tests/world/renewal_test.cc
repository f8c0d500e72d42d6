// Certificates of twenty seconds and three minutes of streams: renewed unattended, nothing cut.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

std::size_t count(const std::string& log, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = log.find(what, at)) != std::string::npos; ++at) ++n;
  return n;
}

TEST(Renewal, ShortCertificatesCutNoStream) {
  GridOptions options;
  options.control = [](control::ControlOptions& o) { o.certificate_lifetime = 20s; };
  options.engine.answer_tokens = 1900;
  options.slots = 4;
  options.engine.decode_tokens_per_s = 10;  // an answer takes three minutes
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  std::vector<std::shared_ptr<Asked>> all;
  for (const std::string from : {"paris", "lyon", "zurich"}) {
    for (const std::string zone : {"fr", "ch"}) {
      Ask ask;
      ask.max_tokens = 1850;
      ask.intent = "zone=\"" + zone + "\"";
      if (all.size() == 5) ask.stream = false;
      all.push_back(grid.ask(from, ask));
    }
  }
  ASSERT_TRUE(grid.wait_over(all, 400s));
  for (const auto& a : all) {
    EXPECT_TRUE(a->complete) << a->request_id << " " << a->status << " " << a->code << " " << a->why << " "
                             << a->tokens;
  }
  std::vector<std::string> hosts{"control/control"};
  for (const auto& site : grid.options().sites) hosts.push_back(WorldGrid::gateway_host(site));
  for (const auto& node : grid.nodes()) hosts.push_back(WorldGrid::node_host(node));
  for (const auto& host : hosts) {
    EXPECT_GE(count(grid.world().log_of(host), "\"renewed\""), 6U) << host;
    EXPECT_EQ(count(grid.world().log_of(host), "\"renewal_failed\""), 0U) << host;
  }
  // What was renewed is what new connections use: a gateway that lost its peers gets them back.
  grid.restart_gateway("lyon");
  EXPECT_TRUE(grid.wait_ready());
}

}  // namespace
}  // namespace aigrid::world
