#include "core/routing/drain.h"

#include <algorithm>
#include <map>

namespace aigrid::routing {
namespace {

class Forecaster {
 public:
  Forecaster(const Tables& tables, const std::vector<NodeRow>& rows, SiteIndex site, NodeIndex node)
      : t_(tables), rows_(rows), site_(site), node_(node) {}

  DrainForecast run() {
    for (std::size_t d = 0; d < t_.deployments.size(); ++d) add_part(static_cast<DeploymentIndex>(d));
    for (std::size_t m = 0; m < t_.models.size(); ++m) add_stranded(static_cast<ModelIndex>(m));
    return std::move(out_);
  }

 private:
  bool leaves(NodeIndex n) const { return node_ != kNone ? n == node_ : t_.nodes[n].site == site_; }
  const NodeRow& row(DeploymentIndex d, NodeIndex n) const { return rows_[d * t_.nodes.size() + n]; }
  // Could it take work after the drain?
  bool stays(DeploymentIndex d, NodeIndex n) const {
    const NodeRow& r = row(d, n);
    return !leaves(n) && !t_.closed(t_.nodes[n].site, n) && r.present && r.ready;
  }

  void add_part(DeploymentIndex d) {
    const auto& deployment = t_.deployments[d];
    DrainForecast::Part part;
    part.deployment = deployment.spec.name;
    part.model = t_.models[deployment.model].spec.name;
    bool here = false;
    for (const NodeIndex n : deployment.nodes) {
      if (!leaves(n)) continue;
      here = true;
      part.running += row(d, n).running;
      part.queued += row(d, n).queued;
    }
    if (!here) return;
    std::map<SiteIndex, std::uint32_t> rooms;
    for (const DeploymentIndex other : t_.models[deployment.model].deployments) {
      for (const NodeIndex n : t_.deployments[other].nodes) {
        if (!stays(other, n)) continue;
        const NodeRow& r = row(other, n);
        const std::uint32_t used = std::min<std::uint32_t>(std::uint32_t{r.running} + r.queued, r.slots);
        rooms[t_.nodes[n].site] += r.slots - used;
      }
    }
    for (const auto& [site, free] : rooms) {
      part.rooms.push_back({t_.sites[site].spec.name, free});
      part.free_slots += free;
    }
    std::sort(part.rooms.begin(), part.rooms.end(), [](const auto& a, const auto& b) {
      return a.free_slots != b.free_slots ? a.free_slots > b.free_slots : a.site < b.site;
    });
    out_.running += part.running;
    out_.parts.push_back(std::move(part));
  }

  void add_stranded(ModelIndex m) {
    SiteSet before;
    SiteSet after;
    for (const DeploymentIndex d : t_.models[m].deployments) {
      for (const NodeIndex n : t_.deployments[d].nodes) {
        if (leaves(n)) before.insert(t_.nodes[n].site);
        if (stays(d, n)) after.insert(t_.nodes[n].site);
      }
    }
    if (before.empty()) return;
    for (std::size_t tenant = 0; tenant < t_.tenants.size(); ++tenant) {
      if (!t_.models[m].visible_to(static_cast<TenantIndex>(tenant))) continue;
      policy::Subject subject;
      subject.tenant = t_.tenants[tenant].spec.name;
      subject.model = t_.models[m].spec.name;
      const auto permit = t_.residency.permitted(subject);
      if (!permit.ok()) continue;
      SiteSet had = permit->sites;
      SiteSet has = permit->sites;
      had &= before;
      has &= after;
      if (!had.empty() && has.empty()) out_.stranded.push_back({t_.tenants[tenant].spec.name, t_.models[m].spec.name});
    }
  }

  const Tables& t_;
  const std::vector<NodeRow>& rows_;
  SiteIndex site_;
  NodeIndex node_;
  DrainForecast out_;
};

}  // namespace

bool DrainForecast::fits() const {
  return stranded.empty() &&
         std::all_of(parts.begin(), parts.end(), [](const Part& p) { return p.running + p.queued <= p.free_slots; });
}

DrainForecast drain_forecast(const Tables& tables, const std::vector<NodeRow>& rows, SiteIndex site, NodeIndex node) {
  return Forecaster(tables, rows, site, node).run();
}

}  // namespace aigrid::routing
