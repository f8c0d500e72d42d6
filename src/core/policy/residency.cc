#include "core/policy/residency.h"

#include <algorithm>

#include "base/nearest_name.h"

namespace aigrid::policy {
namespace {

Error not_found(std::string message) { return {Code::NotFound, Origin::Client, Retry::Never, std::move(message)}; }

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

template <class T>
std::vector<T> by_name(std::vector<T> list) {
  std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return a.name < b.name; });
  return list;
}

template <class T>
const T* find(const std::vector<T>& sorted, std::string_view name) {
  const auto it = std::lower_bound(sorted.begin(), sorted.end(), name,
                                   [](const T& entry, std::string_view n) { return std::string_view(entry.name) < n; });
  return it != sorted.end() && it->name == name ? &*it : nullptr;
}

template <class T>
std::string near_hint(std::string_view name, const std::vector<T>& list) {
  std::vector<std::string> known;
  for (const auto& entry : list) known.push_back(entry.name);
  const std::string near = nearest_name(name, known);
  return near.empty() ? std::string() : ": did you mean " + quoted(near) + "?";
}

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// An alias in a policy binds the model it stands for.
std::string model_name(const grid::Inventory& inventory, const std::string& name_or_alias) {
  for (const auto& m : inventory.models) {
    if (names(m.aliases, name_or_alias)) return m.name;
  }
  return name_or_alias;
}

}  // namespace

Result<Residency> Residency::compile(const grid::Inventory& inventory) {
  Residency r;
  const auto sites = by_name(inventory.sites);
  if (sites.size() > kMaxSites) {
    return invalid("the grid has " + std::to_string(sites.size()) + " sites: at most " + std::to_string(kMaxSites));
  }
  for (std::size_t i = 0; i < sites.size(); ++i) {
    r.site_names_.push_back(sites[i].name);
    r.everywhere_.insert(static_cast<SiteIndex>(i));
  }
  AIGRID_TRY(const auto compiled, compile_zones(inventory, sites));
  for (std::size_t i = 0; i < compiled.size(); ++i) r.zones_.emplace_back(inventory.zones[i].name, compiled[i].certain);
  std::sort(r.zones_.begin(), r.zones_.end(), [](const Named& a, const Named& b) { return a.first < b.first; });
  r.tenants_ = by_name(inventory.tenants);
  r.projects_ = by_name(inventory.projects);
  r.policies_ = by_name(inventory.policies);
  const auto check = [&](const char* kind, const std::string& name, const std::string& zone) -> Result<void> {
    if (zone.empty() || r.zone(zone) != nullptr) return {};
    return invalid(std::string(kind) + " " + quoted(name) + ": rule zone names " + quoted(zone) +
                   ", which does not exist" + near_hint(zone, inventory.zones));
  };
  for (const auto& t : r.tenants_) AIGRID_CHECK_OK(check("tenant", t.name, t.zone));
  for (const auto& p : r.projects_) AIGRID_CHECK_OK(check("project", p.name, p.zone));
  for (auto& p : r.policies_) {
    AIGRID_CHECK_OK(check("policy", p.name, p.zone));
    for (auto& model : p.models) model = model_name(inventory, model);
    for (const auto& who : p.tenants) {
      if (find(r.tenants_, who) != nullptr || find(r.projects_, who) != nullptr) continue;
      return invalid("policy " + quoted(p.name) + ": rule tenants names " + quoted(who) +
                     ", which is neither a tenant nor a project" + near_hint(who, r.tenants_));
    }
  }
  return r;
}

const SiteSet* Residency::zone(std::string_view name) const {
  const auto it = std::lower_bound(zones_.begin(), zones_.end(), name,
                                   [](const Named& z, std::string_view n) { return std::string_view(z.first) < n; });
  return it != zones_.end() && it->first == name ? &it->second : nullptr;
}

std::optional<SiteIndex> Residency::find_site(std::string_view name) const {
  const auto it = std::lower_bound(site_names_.begin(), site_names_.end(), name);
  if (it == site_names_.end() || *it != name) return std::nullopt;
  return static_cast<SiteIndex>(it - site_names_.begin());
}

std::vector<std::string> Residency::deserted_zones() const {
  std::vector<std::string> out;
  for (const auto& [name, sites] : zones_) {
    if (sites.empty()) out.push_back(name);
  }
  return out;
}

Result<void> Residency::narrow(Permit& permit, std::string_view level, std::string_view name) const {
  if (name.empty()) return {};
  const SiteSet* sites = zone(name);
  if (sites == nullptr) {
    std::vector<std::string> known;
    for (const auto& z : zones_) known.push_back(z.first);
    const std::string near = nearest_name(name, known);
    return not_found(std::string(level) + ": zone " + quoted(name) + " does not exist" +
                     (near.empty() ? std::string() : ": did you mean " + quoted(near) + "?"));
  }
  permit.sites &= *sites;
  permit.rules.push_back(std::string(level) + " zone " + quoted(name));
  return {};
}

Result<void> Residency::narrow_by_account(Permit& permit, const Subject& subject) const {
  const grid::Tenant* tenant = find(tenants_, subject.tenant);
  if (tenant == nullptr) {
    return not_found("tenant " + quoted(subject.tenant) + " does not exist" + near_hint(subject.tenant, tenants_));
  }
  for (const auto& p : policies_) {
    const bool who = p.tenants.empty() || names(p.tenants, subject.tenant) ||
                     (!subject.project.empty() && names(p.tenants, subject.project));
    if (!who || (!p.models.empty() && !names(p.models, subject.model))) continue;
    AIGRID_CHECK_OK(narrow(permit, "policy " + quoted(p.name), p.zone));
  }
  AIGRID_CHECK_OK(narrow(permit, "tenant " + quoted(tenant->name), tenant->zone));
  if (subject.project.empty()) return {};
  const grid::Project* project = find(projects_, subject.project);
  if (project == nullptr || project->tenant != tenant->name) {
    return not_found("project " + quoted(subject.project) + " does not exist in tenant " + quoted(tenant->name) +
                     near_hint(subject.project, projects_));
  }
  return narrow(permit, "project " + quoted(project->name), project->zone);
}

Result<Permit> Residency::permitted(const Subject& subject) const {
  Permit permit;
  permit.sites = everywhere_;
  AIGRID_CHECK_OK(narrow_by_account(permit, subject));
  AIGRID_CHECK_OK(narrow(permit, "key", subject.key_zone));
  if (subject.zones != nullptr) {
    for (const auto& name : *subject.zones) AIGRID_CHECK_OK(narrow(permit, "request", name));
  }
  return permit;
}

bool Residency::permits(const Subject& subject, std::string_view site) const {
  const auto index = find_site(site);
  if (!index) return false;
  const auto permit = permitted(subject);
  return permit.ok() && permit->sites.contains(*index);
}

}  // namespace aigrid::policy
