#include "core/routing/tables.h"

#include <algorithm>

namespace aigrid::routing {
namespace {

template <class Index, class T, class Name>
std::optional<Index> find_sorted(const std::vector<T>& list, std::string_view name, Name name_of) {
  const auto it = std::lower_bound(list.begin(), list.end(), name, [&](const T& entry, std::string_view n) {
    return std::string_view(name_of(entry)) < n;
  });
  if (it == list.end() || name_of(*it) != name) return std::nullopt;
  return static_cast<Index>(it - list.begin());
}

constexpr auto kSpecName = [](const auto& entry) -> const std::string& { return entry.spec.name; };
constexpr auto kName = [](const auto& entry) -> const std::string& { return entry.name; };

}  // namespace

std::optional<SiteIndex> Tables::find_site(std::string_view name) const {
  return find_sorted<SiteIndex>(sites, name, kSpecName);
}
std::optional<NodeIndex> Tables::find_node(std::string_view name) const {
  return find_sorted<NodeIndex>(nodes, name, kSpecName);
}
std::optional<DeploymentIndex> Tables::find_deployment(std::string_view name) const {
  return find_sorted<DeploymentIndex>(deployments, name, kSpecName);
}
std::optional<TenantIndex> Tables::find_tenant(std::string_view name) const {
  return find_sorted<TenantIndex>(tenants, name, kSpecName);
}

std::optional<ModelIndex> Tables::find_model(std::string_view name_or_alias) const {
  if (auto found = find_sorted<ModelIndex>(models, name_or_alias, kSpecName)) return found;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const auto& aliases = models[i].spec.aliases;
    if (std::find(aliases.begin(), aliases.end(), name_or_alias) != aliases.end()) return static_cast<ModelIndex>(i);
  }
  return std::nullopt;
}

const ZoneEntry* Tables::find_zone(std::string_view name) const {
  const auto i = find_sorted<std::size_t>(zones, name, kSpecName);
  return i ? &zones[*i] : nullptr;
}

const grid::Project* Tables::find_project(std::string_view name) const {
  const auto i = find_sorted<std::size_t>(projects, name, kName);
  return i ? &projects[*i] : nullptr;
}

ModelPrice Tables::price(TenantIndex tenant, ModelIndex model) const {
  if (tenant >= tenants.size() || tenants[tenant].price_book == kNone) return {model, 0, 0, false};
  const auto& book = price_of_book[tenants[tenant].price_book];
  const auto it =
      std::lower_bound(book.begin(), book.end(), model, [](const ModelPrice& p, ModelIndex m) { return p.model < m; });
  return it != book.end() && it->model == model ? *it : ModelPrice{model, 0, 0, false};
}

bool ModelEntry::visible_to(TenantIndex tenant) const {
  return tenants.empty() || std::binary_search(tenants.begin(), tenants.end(), tenant);
}

}  // namespace aigrid::routing
