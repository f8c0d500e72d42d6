// Answers questions about policies, one JSON object a line on standard input: {"resources":[…], "compiled": second,
// "asks":[{tenant, project, model, action, level, regimes, key_zone, zones, second}]}; one list of answers a line out,
// each a list of sites. A site of country ZZ states no jurisdiction, one of operator `nobody` no operator: what YAML
// does not let people write. policy_oracle.py makes the questions and knows the answers by itself.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/policy/residency.h"
#include "format/api/inventory.h"
#include "format/api/resource.h"

namespace {

using namespace aigrid;
using Json = nlohmann::json;

Result<grid::Inventory> read(const Json& resources) {
  grid::Inventory out;
  std::vector<api::Problem> problems;
  for (const auto& one : resources) {
    api::Resource resource;
    resource.kind = *api::parse_kind(one.at("kind").get<std::string>());
    resource.name = one.at("name").get<std::string>();
    resource.spec = one.at("spec");
    auto noun = api::decode(resource, problems);
    if (!noun) return invalid(api::to_text(problems.front()));
    api::add(out, std::move(*noun));
  }
  for (auto& site : out.sites) {
    if (site.country == "ZZ") site.jurisdiction.clear();
    if (site.operator_name == "nobody") site.operator_name.clear();
  }
  return out;
}

Json answer(const policy::Residency& residency, const Json& ask) {
  const auto text = [&ask](const char* name) { return ask.at(name).get<std::string>(); };
  const std::string tenant = text("tenant"), project = text("project"), model = text("model"), key = text("key_zone");
  const auto zones = ask.at("zones").get<std::vector<std::string>>();
  const auto regimes = ask.at("regimes").get<std::vector<std::string>>();
  policy::Subject subject{tenant, project, model, key, &zones, ask.at("level").get<std::uint32_t>(), &regimes};
  subject.second = ask.at("second").get<std::int64_t>();
  Json sites = Json::array();
  const std::string action = text("action");
  for (std::size_t a = 0; a < grid::kActions; ++a) {
    if (grid::kActionNames[a] != action) continue;
    const auto set = residency.allowed(subject, static_cast<grid::Action>(a));
    if (!set.ok()) break;
    for (std::size_t s = 0; s < residency.site_names().size(); ++s) {
      const auto& name = residency.site_names()[s];
      const bool in = set->contains(static_cast<policy::SiteIndex>(s));
      if (in) sites.push_back(name);
      // The words for a refusal come another way: they must agree.
      const auto why = residency.denial(subject, name, std::array{static_cast<grid::Action>(a)});
      if (in == why.has_value()) sites.push_back("the denial of " + name + " contradicts");
    }
  }
  return sites;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const Json question = Json::parse(line);
    const auto inventory = read(question.at("resources"));
    const auto residency = inventory.ok()
                               ? policy::Residency::compile(*inventory, question.at("compiled").get<std::int64_t>())
                               : Result<policy::Residency>(inventory.error());
    Json out = Json::array();
    for (const auto& ask : question.at("asks")) {
      out.push_back(residency.ok() ? answer(*residency, ask) : Json(residency.error().message));
    }
    std::cout << out.dump() << '\n';
  }
  return 0;
}
