#include "core/policy/placing.h"

#include <algorithm>

namespace aigrid::policy {
namespace {

template <class T>
const T* named(const std::vector<T>& list, const std::string& name) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const T& entry) { return entry.name == name; });
  return it == list.end() ? nullptr : &*it;
}

std::string why_not(const Residency& residency, const grid::Inventory& inventory, const grid::Model& model,
                    const std::string& site) {
  if (auto own = model_forbidden(residency, inventory, model, site, 0); !own.empty()) return own;
  std::string why;
  for (const auto& tenant : inventory.tenants) {
    const bool sees = model.tenants.empty() ||
                      std::find(model.tenants.begin(), model.tenants.end(), tenant.name) != model.tenants.end();
    if (!sees) continue;
    Subject subject;
    subject.tenant = tenant.name;
    subject.model = model.name;
    const auto denial = residency.denial(subject, site);
    if (!denial) return {};
    if (why.empty()) why = "no tenant may use it there: for tenant \"" + tenant.name + "\" " + to_text(*denial);
  }
  return why;
}

}  // namespace

std::string model_forbidden(const Residency& residency, const grid::Inventory& inventory, const grid::Model& model,
                            const std::string& site, std::int64_t second) {
  if (model.zone.empty()) return {};
  const SiteSet* zone = residency.zone(model.zone);
  const auto index = residency.find_site(site);
  if (zone != nullptr && index && zone->contains(*index)) return {};
  std::string why = "model \"" + model.name + "\" may execute in zone \"" + model.zone + "\" only";
  const grid::Site* spec = named(inventory.sites, site);
  if (spec != nullptr && zone != nullptr) why += "; " + zone_gap(inventory, model.zone, *spec, second).text;
  return why;
}

Result<Standing> standing(const grid::Inventory& inventory, std::int64_t second) {
  AIGRID_TRY(const Residency residency, Residency::compile(inventory, second));
  Standing out;
  out.good_until = residency.good_until();
  for (const auto& deployment : inventory.deployments) {
    for (auto& wrong : misplaced(residency, inventory, deployment)) {
      out.forbidden[deployment.name].push_back("on node " + deployment.nodes[wrong.node] + ": " + std::move(wrong.why));
    }
  }
  return out;
}

std::vector<Misplaced> misplaced(const Residency& residency, const grid::Inventory& inventory,
                                 const grid::Deployment& deployment) {
  std::vector<Misplaced> out;
  const grid::Model* model = named(inventory.models, deployment.model);
  if (model == nullptr) return out;
  for (std::size_t i = 0; i < deployment.nodes.size(); ++i) {
    const grid::Node* node = named(inventory.nodes, deployment.nodes[i]);
    if (node == nullptr) continue;
    std::string why = why_not(residency, inventory, *model, node->site);
    if (!why.empty()) {
      out.push_back({i, "model \"" + model->name + "\" may not be at site \"" + node->site + "\": " + std::move(why)});
    }
  }
  return out;
}

}  // namespace aigrid::policy
