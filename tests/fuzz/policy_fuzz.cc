// Files of any bytes as zones, policies, accounts and sites with their attributes: never a crash, every refusal has a
// text, and what compiles keeps its laws: a higher class and a further regime never open a site, and the words for a
// refusal agree with the decision.
#include <cstdint>
#include <cstdlib>

#include "core/policy/diff.h"
#include "core/policy/residency.h"
#include "format/api/check.h"
#include "format/api/yaml.h"

namespace {

using namespace aigrid;

void insist(bool true_of_every_law) {
  if (!true_of_every_law) std::abort();
}

bool within(policy::SiteSet part, const policy::SiteSet& whole) { return part.subtract(whole).empty(); }

void ask(const policy::Residency& law, const grid::Inventory& inventory, const grid::Tenant& tenant,
         grid::Action action) {
  const std::vector<std::string> regime = {"gdpr"};
  policy::SiteSet wider = policy::SiteSet::all();
  for (std::uint32_t level = 0; level <= grid::kTopDataLevel; ++level) {
    policy::Subject subject;
    subject.tenant = tenant.name;
    subject.data_level = level;
    const auto set = law.allowed(subject, action);
    if (!set.ok()) return insist(!set.error().message.empty());
    insist(within(*set, wider));
    wider = *set;
    subject.regimes = &regime;
    insist(within(*law.allowed(subject, action), *set));
  }
  policy::Subject subject;
  subject.tenant = tenant.name;
  const auto set = *law.allowed(subject, action);
  for (const auto& site : inventory.sites) {
    const auto denial = law.denial(subject, site.name, std::array{action});
    insist(denial.has_value() != set.contains(*law.find_site(site.name)));
    insist(!denial || !policy::to_text(*denial).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto file = api::parse_yaml("f", {reinterpret_cast<const char*>(bytes), size});
  const auto checked = api::to_inventory(file.resources);
  const auto law = policy::Residency::compile(checked.inventory, 1'780'000'000);
  if (!law.ok()) {
    insist(!law.error().message.empty());
    return 0;
  }
  // What does not change opens and closes nothing. Bounded: a comparison takes accounts × classes.
  constexpr std::size_t kFew = 4;
  if (checked.inventory.tenants.size() + checked.inventory.projects.size() <= kFew &&
      checked.inventory.sites.size() <= kFew) {
    const auto shifts = policy::diff(checked.inventory, checked.inventory, 1'780'000'000);
    insist(shifts.ok() && shifts->empty());
  }
  for (const auto& tenant : checked.inventory.tenants) {
    for (std::size_t a = 0; a < grid::kActions; ++a) ask(*law, checked.inventory, tenant, static_cast<grid::Action>(a));
  }
  return 0;
}
