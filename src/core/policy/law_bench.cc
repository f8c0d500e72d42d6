// What residency costs a request, and a bundle: 5,000 sites, 500 policies that all bind the tenant, 10 regimes.
#include <benchmark/benchmark.h>

#include "core/policy/residency.h"

namespace aigrid::policy {
namespace {

constexpr int kSites = 5000;
constexpr int kPolicies = 500;
constexpr int kZones = 40;

std::string cell(int n) { return {static_cast<char>('A' + n / 26 % 26), static_cast<char>('A' + n % 26)}; }

grid::Inventory big() {
  grid::Inventory i;
  for (int n = 0; n < kSites; ++n) {
    grid::Site s;
    s.name = "site" + std::to_string(10000 + n);
    s.operator_name = "op" + std::to_string(n % 7);
    s.jurisdiction = cell(n % kZones);
    s.certs = {{"c" + std::to_string(n % 3), "2027-01-01"}};
    i.sites.push_back(std::move(s));
  }
  for (int n = 0; n < kZones; ++n) {
    grid::Zone z{"zone" + std::to_string(n), {}, {}, {}, {}, {}};
    for (int k = 0; k < 20; ++k) z.jurisdictions.push_back(cell((n + k) % kZones));
    if (n % 2 == 0) z.certs = {"c" + std::to_string(n % 3)};
    i.zones.push_back(std::move(z));
  }
  grid::Tenant t;
  t.name = "t";
  t.regimes = {"r1"};
  i.tenants = {t};
  for (int n = 0; n < kPolicies; ++n) {
    grid::Policy p;
    p.name = "policy" + std::to_string(n);
    p.level = n % 3 == 0 ? "tenant" : "platform";
    grid::Clause c{{"terminate", "route", "process", "cache", "log-meta"}, "zone" + std::to_string(n % kZones), n % 5};
    c.regimes = {"r" + std::to_string(n % 10), "r1"};
    (n % 10 == 9 ? p.forbid : p.permit).push_back(c);
    i.policies.push_back(std::move(p));
  }
  return i;
}

void permitted(benchmark::State& state) {
  const auto r = Residency::compile(big(), 1);
  const std::vector<std::string> zones = {"zone3"};
  const std::vector<std::string> regimes = {"r4"};
  Subject subject;
  subject.tenant = "t";
  subject.zones = &zones;
  subject.regimes = &regimes;
  subject.data_level = static_cast<std::uint32_t>(state.range(0));
  subject.second = 2;
  for (auto _ : state) benchmark::DoNotOptimize(r->permitted(subject));
}
BENCHMARK(permitted)->Arg(1)->Arg(4);

void compile(benchmark::State& state) {
  const auto inventory = big();
  for (auto _ : state) benchmark::DoNotOptimize(Residency::compile(inventory, 1));
}
BENCHMARK(compile);

}  // namespace
}  // namespace aigrid::policy
