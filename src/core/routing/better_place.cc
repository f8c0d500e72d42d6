#include "core/routing/choose.h"
#include "core/routing/thresholds.h"

namespace aigrid::routing {
namespace {

RouteInput among(const RouteInput& input, SiteSet sites) {
  RouteInput asked = input;
  asked.permitted = std::move(sites);
  asked.excluded = {};  // nodes of this site: elsewhere they mean nothing
  return asked;
}

}  // namespace

std::optional<Place> better_place(const Snapshot& snapshot, DeploymentIndex deployment, const RouteInput& input,
                                  const SiteRow& queue, Time now, Random& random) {
  if (queue.ready_nodes == 0 || !(queue.wait_ms > kThresholds.hand_on_wait_ms)) return std::nullopt;
  SiteSet others = input.permitted;
  others.erase(snapshot.here);
  const Decision there = choose_site(snapshot, among(input, others), now, random, nullptr);
  if (!there.ok()) return std::nullopt;
  SiteSet own;
  own.insert(snapshot.here);
  const Decision here = choose_site(snapshot, among(input, own), now, random, nullptr);
  // Refused here (a queue beyond hope): prefill and price are taken for the same as there.
  const bool same = here.ok() && here.deployment == deployment;
  const ScoreParts& parts = same ? here.score : there.score;
  const float stays = queue.wait_ms + parts.prefill_ms + parts.price_ms;
  if (stays - there.score.total() <= kThresholds.hand_on_gain_ms) return std::nullopt;
  return Place{there.site, there.deployment};
}

}  // namespace aigrid::routing
