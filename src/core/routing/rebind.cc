#include "core/routing/rebind.h"

namespace aigrid::routing {

SiteIndex Rebind::site(SiteIndex s) const {
  return s < from.sites.size() ? to.find_site(from.sites[s].spec.name).value_or(kNone) : kNone;
}
NodeIndex Rebind::node(NodeIndex n) const {
  return n < from.nodes.size() ? to.find_node(from.nodes[n].spec.name).value_or(kNone) : kNone;
}
DeploymentIndex Rebind::deployment(DeploymentIndex d) const {
  return d < from.deployments.size() ? to.find_deployment(from.deployments[d].spec.name).value_or(kNone) : kNone;
}
ModelIndex Rebind::model(ModelIndex m) const {
  // By name alone: an alias that took the name over is another model.
  if (m >= from.models.size()) return kNone;
  const auto& name = from.models[m].spec.name;
  const auto found = to.find_model(name);
  return found && to.models[*found].spec.name == name ? *found : kNone;
}
TenantIndex Rebind::tenant(TenantIndex t) const {
  const auto gone = static_cast<TenantIndex>(to.tenants.size());
  return t < from.tenants.size() ? to.find_tenant(from.tenants[t].spec.name).value_or(gone) : gone;
}

SiteSet Rebind::sites(const SiteSet& set) const {
  SiteSet out;
  for (std::size_t s = 0; s < from.sites.size(); ++s) {
    if (!set.contains(static_cast<SiteIndex>(s))) continue;
    if (const auto moved = site(static_cast<SiteIndex>(s)); moved != kNone) out.insert(moved);
  }
  return out;
}

Decision Rebind::decision(const Decision& d) const {
  Decision out = d;
  out.site = site(d.site);
  out.via = site(d.via);
  out.node = node(d.node);
  out.deployment = deployment(d.deployment);
  out.runner_up = site(d.runner_up);
  return out;
}

void Rebind::excluded(std::vector<Excluded>& list) const {
  std::erase_if(list, [&](Excluded& e) {
    const bool whole = e.node == kNone;
    e = {site(e.site), node(e.node)};
    return e.site == kNone || (!whole && e.node == kNone);
  });
}

RouteInput Rebind::input(const RouteInput& in) const {
  RouteInput out = in;
  out.tenant = tenant(in.tenant);
  out.model = model(in.model);
  out.permitted = sites(in.permitted);
  out.lingering = sites(in.lingering);
  out.relay = sites(in.relay);
  out.excluded = {};
  return out;
}

}  // namespace aigrid::routing
