#include "app/gateway/homes.h"

#include <algorithm>

namespace aigrid::gateway {

std::vector<std::string> Homes::living(const std::string& tenant) const {
  std::vector<std::string> out;
  const auto& tables = board_.tables();
  const auto index = tables.find_tenant(tenant);
  for (const auto& g : tables.gateways) {
    const auto site = tables.find_site(g.site);
    if (index && site && !tables.tenants[*index].permitted.contains(*site)) continue;
    if (g.name == board_.gateway() || peers_.reaches(g.name)) out.push_back(g.name);
  }
  if (out.empty()) out.push_back(board_.gateway());  // nobody of its zone lives: nobody can serve it either
  return out;
}

admission::Homes Homes::of(const std::string& scope, const std::string& tenant) const {
  return admission::homes_of(scope, living(tenant));
}

std::uint32_t Homes::holders(const std::string& tenant) const {
  const auto names = living(tenant);
  std::uint32_t n = 0;
  for (const auto& g : board_.tables().gateways) {
    if (std::find(names.begin(), names.end(), g.name) != names.end()) n += g.workers;
  }
  return std::max(n, 1U);
}

}  // namespace aigrid::gateway
