#include "sim/registry.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "format/api/inventory.h"
#include "format/api/resource.h"

namespace aigrid::sim {

namespace {

using Json = nlohmann::json;

Result<std::shared_ptr<const routing::Tables>> read_version(const Json& resources, std::uint64_t version,
                                                            std::int64_t second) {
  grid::Inventory inventory;
  inventory.version = version;
  std::vector<api::Problem> problems;
  for (const auto& one : resources) {
    api::Resource resource;
    const auto kind = api::parse_kind(one.value("kind", ""));
    if (!kind) return invalid("registry: no such kind: " + one.value("kind", ""));
    resource.kind = *kind;
    resource.name = one.value("name", "");
    resource.spec = one.at("spec");
    auto noun = api::decode(resource, problems);
    if (!noun) return invalid("registry: " + api::to_text(problems.front()));
    api::add(inventory, std::move(*noun));
  }
  // What YAML does not let people write: a site that states neither its place nor its operator.
  for (auto& site : inventory.sites) {
    if (site.country == "ZZ") site.jurisdiction.clear();
  }
  api::sort_by_name(inventory);
  return routing::compile(inventory, second);
}

bool same_places(const routing::Tables& a, const routing::Tables& b) {
  const auto same = [](const auto& x, const auto& y) {
    if (x.size() != y.size()) return false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i].spec.name != y[i].spec.name) return false;
    }
    return true;
  };
  return same(a.sites, b.sites) && same(a.nodes, b.nodes) && same(a.deployments, b.deployments) &&
         same(a.models, b.models) && same(a.tenants, b.tenants);
}

}  // namespace

policy::Subject Asker::subject() const {
  policy::Subject out{tenant, project, model, key_zone, &zones, level, &regimes};
  out.second = second;
  return out;
}

Result<Registry> read_registry(std::string_view line) {
  const Json in = Json::parse(line, nullptr, false);
  if (!in.is_object() || !in.contains("versions") || !in.contains("asks")) {
    return invalid("registry: not an object with versions and asks");
  }
  Registry out;
  const std::int64_t second = in.value("second", std::int64_t{0});
  for (const auto& resources : in.at("versions")) {
    AIGRID_TRY(auto tables, read_version(resources, out.versions.size() + 1, second));
    if (!out.versions.empty() && !same_places(*out.versions.front(), *tables)) {
      return invalid("registry: its versions name different places");
    }
    out.versions.push_back(std::move(tables));
  }
  for (const auto& ask : in.at("asks")) {
    Asker asker;
    asker.tenant = ask.value("tenant", "");
    asker.project = ask.value("project", "");
    asker.model = ask.value("model", "");
    asker.key_zone = ask.value("key_zone", "");
    asker.zones = ask.value("zones", std::vector<std::string>{});
    asker.regimes = ask.value("regimes", std::vector<std::string>{});
    asker.level = ask.value("level", 0U);
    asker.second = second;
    out.askers.push_back(std::move(asker));
  }
  if (out.versions.empty() || out.askers.empty()) return invalid("registry: no version, or nobody asks");
  return out;
}

}  // namespace aigrid::sim
