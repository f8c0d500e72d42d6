// Runs the simulator over the registries on standard input, one a line, REQUESTS in all from SEED, and prints every
// EVERYth request's trail: {"registry": n, "asker": k, "steps": [[part, site, version]…], "permitted": {version:
// [site…]}}; at last {"totals": …}. Ends with 1 where a step was forbidden or something was wrong. dispatch_oracle.py
// makes the registries and judges the trails by itself.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "sim/grid_sim.h"

namespace {

using namespace aigrid;
using Json = nlohmann::json;

constexpr const char* kParts[] = {"ingress", "asked", "ran"};

Json trail_json(const sim::Registry& registry, std::size_t number, const sim::Trail& trail) {
  Json steps = Json::array();
  Json permitted = Json::object();
  std::set<std::uint32_t> versions;
  for (const auto& s : trail.steps) {
    const auto& tables = *registry.versions[s.version];
    steps.push_back({kParts[static_cast<std::size_t>(s.part)], tables.sites[s.site].spec.name, s.version});
    versions.insert(s.version);
  }
  for (const auto v : versions) {
    const auto& tables = *registry.versions[v];
    const auto permit = tables.residency.permitted(registry.askers[trail.asker].subject());
    Json names = Json::array();
    for (std::size_t s = 0; permit.ok() && s < tables.sites.size(); ++s) {
      if (permit->sites.contains(static_cast<routing::SiteIndex>(s))) names.push_back(tables.sites[s].spec.name);
    }
    permitted[std::to_string(v)] = std::move(names);
  }
  return {
      {"registry", number}, {"asker", trail.asker}, {"steps", std::move(steps)}, {"permitted", std::move(permitted)}};
}

Json totals_json(const sim::Totals& t, std::uint64_t forbidden, std::uint64_t digest) {
  return {{"requests", t.requests},
          {"steps", t.steps},
          {"refused_at_the_door", t.refused_at_the_door},
          {"finished", t.ended[0]},
          {"client_gone", t.ended[1]},
          {"refused", t.ended[2]},
          {"failed", t.ended[3]},
          {"attempts", t.attempts},
          {"hedges", t.hedges},
          {"moves", t.moves},
          {"resumes", t.resumes},
          {"handed_on", t.handed_on},
          {"attempts_lost", t.lost},
          {"attempts_refused", t.refused},
          {"laws_adopted", t.laws},
          {"forbidden", forbidden},
          {"wrong", t.wrong},
          {"digest", digest}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "dispatch_cases REQUESTS REGISTRIES SEED EVERY, with the registries on standard input\n");
    return 2;
  }
  const auto number = [argv](int i) { return std::strtoull(argv[i], nullptr, 10); };
  const std::uint64_t each = number(1) / number(2);
  sim::Totals totals;
  std::uint64_t forbidden = 0;
  std::uint64_t done = 0;
  std::uint64_t digest = 0;
  std::string line;
  for (std::size_t n = 0; n < number(2) && std::getline(std::cin, line); ++n) {
    const auto registry = sim::read_registry(line);
    if (!registry.ok()) {
      std::fprintf(stderr, "registry %zu: %s\n", n, registry.error().message.c_str());
      return 2;
    }
    sim::Checker checker(*registry);
    sim::GridSim run(*registry, number(3) * 1'000'003 + n, each, [&](const sim::Trail& trail) {
      const auto here = checker.forbidden(trail);
      forbidden += here;
      if (here > 0 || done++ % number(4) == 0) std::cout << trail_json(*registry, n, trail).dump() << '\n';
    });
    run.run();
    totals.add(run.totals());
    digest = (digest ^ run.digest()) * 1099511628211ULL;
  }
  std::cout << Json{{"totals", totals_json(totals, forbidden, digest)}}.dump() << '\n';
  return forbidden == 0 && totals.wrong.empty() ? 0 : 1;
}
