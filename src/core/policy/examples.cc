#include "core/policy/examples.h"

#include <set>

namespace aigrid::policy {
namespace {

// One site as the example describes it, one account for everyone a policy names.
grid::Inventory stage(const grid::Inventory& law, const grid::Policy& policy, const grid::PolicyExample& example) {
  grid::Inventory out;
  out.zones = law.zones;
  out.policies = law.policies;
  out.models = law.models;
  grid::Site site;
  site.name = "example";
  site.jurisdiction = example.jurisdiction;
  site.operator_name = policy.operators.empty() ? "example" : policy.operators.front();
  site.staff = example.staff;
  site.telemetry = example.telemetry;
  site.seal = example.seal;
  for (const auto& name : example.certs) site.certs.push_back({name, ""});
  site.attest = example.attest;
  site.tenancy = example.tenancy;
  out.operators = {{site.operator_name, "", example.control}};
  out.sites = {std::move(site)};
  std::set<std::string> accounts = {"example"};
  for (const auto& p : law.policies) accounts.insert(p.tenants.begin(), p.tenants.end());
  for (const auto& name : accounts) {
    grid::Tenant tenant;
    tenant.name = name;
    tenant.home = example.home;
    tenant.data_level = 0;
    out.tenants.push_back(std::move(tenant));
  }
  return out;
}

std::string ask(const grid::Inventory& law, const grid::Policy& policy, const grid::PolicyExample& example,
                std::int64_t second) {
  if (example.expect != "allowed" && example.expect != "denied") {
    return "expect is \"" + example.expect + "\": write allowed or denied";
  }
  Action action = Action::Process;
  bool known = false;
  for (std::size_t a = 0; a < grid::kActions; ++a) {
    if (grid::kActionNames[a] != example.action) continue;
    action = static_cast<Action>(a);
    known = true;
  }
  if (!known) return "action \"" + example.action + "\" is none: an example asks about one";
  const auto end = end_of(example.on);
  if (!end.ok()) return end.error().message;
  const std::int64_t when = *end == kNoEnd ? second : *end - 1;
  const auto residency = Residency::compile(stage(law, policy, example), when);
  if (!residency.ok()) return residency.error().message;
  const std::string who = policy.tenants.empty() ? "example" : policy.tenants.front();
  Subject subject;
  subject.tenant = who;
  subject.model = policy.models.empty() ? std::string_view() : std::string_view(policy.models.front());
  subject.data_level = static_cast<std::uint32_t>(example.data_level);
  subject.regimes = &example.regimes;
  subject.second = when;
  const auto denial = residency->denial(subject, "example", std::array<Action, 1>{action});
  if (example.expect == "allowed") return denial ? "expected allowed, but " + to_text(*denial) : "";
  if (!denial) return "expected denied, but it is allowed";
  const std::string text = to_text(*denial);
  if (text.find(example.because) != std::string::npos) return "";
  return "denied, but not because of \"" + example.because + "\": " + text;
}

}  // namespace

std::vector<ExampleOutcome> run_examples(const grid::Inventory& inventory, std::int64_t second) {
  std::vector<ExampleOutcome> out;
  for (const auto& policy : inventory.policies) {
    for (const auto& example : policy.examples) {
      std::string wrong = ask(inventory, policy, example, second);
      const bool ok = wrong.empty();
      out.push_back({policy.name, example.name, ok, std::move(wrong)});
    }
  }
  return out;
}

}  // namespace aigrid::policy
