#include "sim/trail.h"

#include <algorithm>
#include <span>

namespace aigrid::sim {

Checker::Checker(const Registry& registry) : registry_(registry) {
  const std::size_t sites = registry.versions.front()->sites.size();
  known_.assign(registry.askers.size() * registry.versions.size() * sites * 2, -1);
}

bool Checker::permits(std::uint32_t asker, const Step& step) {
  const auto& tables = *registry_.versions[step.version];
  const bool door = step.part == Part::Ingress;
  const std::size_t at =
      ((asker * registry_.versions.size() + step.version) * tables.sites.size() + step.site) * 2 + (door ? 1 : 0);
  if (known_[at] < 0) {
    const std::span<const policy::Action> actions =
        door ? std::span<const policy::Action>(policy::kIngressActions) : policy::kHostActions;
    const auto denial =
        tables.residency.denial(registry_.askers[asker].subject(), tables.sites[step.site].spec.name, actions);
    known_[at] = denial ? 0 : 1;
  }
  return known_[at] == 1;
}

std::size_t Checker::forbidden(const Trail& trail) {
  return static_cast<std::size_t>(
      std::count_if(trail.steps.begin(), trail.steps.end(), [&](const Step& s) { return !permits(trail.asker, s); }));
}

}  // namespace aigrid::sim
