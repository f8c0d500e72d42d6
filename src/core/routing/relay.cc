#include "core/routing/relay.h"

#include <algorithm>
#include <cmath>

namespace aigrid::routing {
namespace {

struct Way {
  SiteIndex via = kNone;
  bool foreign = false;  // to both ends
  float rtt_ms = 0;
};

}  // namespace

std::vector<SiteIndex> relay_sites(const Snapshot& snapshot, SiteIndex target) {
  const Tables& t = *snapshot.tables;
  const auto jurisdiction = [&](SiteIndex s) -> const std::string& { return t.sites[s].spec.jurisdiction; };
  std::vector<Way> ways;
  for (std::size_t i = 0; i < t.sites.size(); ++i) {
    const auto s = static_cast<SiteIndex>(i);
    const LinkRow& link = snapshot.links[s];
    if (s == snapshot.here || s == target || !link.up || link.via != kNone) continue;
    const bool foreign = jurisdiction(s) != jurisdiction(snapshot.here) && jurisdiction(s) != jurisdiction(target);
    const float first = std::isnan(link.rtt_ms) ? t.prior_rtt(snapshot.here, s) : link.rtt_ms;
    ways.push_back({s, foreign, first + t.prior_rtt(s, target)});
  }
  std::sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
    if (a.foreign != b.foreign) return b.foreign;
    return a.rtt_ms != b.rtt_ms ? a.rtt_ms < b.rtt_ms : a.via < b.via;
  });
  std::vector<SiteIndex> out;
  for (const Way& way : ways) out.push_back(way.via);
  return out;
}

}  // namespace aigrid::routing
