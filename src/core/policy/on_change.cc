// What holds for requests that are under way already, where policies let such
// go on for a while.
#include "core/policy/on_change.h"

#include <algorithm>

#include "core/policy/law.h"

namespace aigrid::policy {

namespace {

bool drains(const grid::Policy& p) { return p.on_change == grid::kDrain; }

bool of_platform(const grid::Policy& p, const grid::Inventory& in) {
  const auto level = level_of(p, in);
  return level.ok() && *level == Level::Platform;
}

std::vector<std::string> all_regimes(const grid::Inventory& in) {
  std::vector<std::string> out;
  const auto add = [&out](const std::vector<std::string>& some) { out.insert(out.end(), some.begin(), some.end()); };
  for (const auto& p : in.policies) {
    for (const auto* list : {&p.permit, &p.forbid, &p.transfer}) {
      for (const auto& c : *list) add(c.regimes);
    }
  }
  for (const auto& t : in.tenants) add(t.regimes);
  for (const auto& p : in.projects) add(p.regimes);
  return out;
}

}  // namespace

std::optional<grid::Inventory> for_what_runs(const grid::Inventory& in) {
  if (std::none_of(in.policies.begin(), in.policies.end(), drains)) return std::nullopt;
  grid::Inventory out = in;
  // A platform that says nothing permits the home zone alone: whose every
  // permit lets go on permits everywhere instead.
  const bool silent = std::all_of(in.policies.begin(), in.policies.end(), [&in](const grid::Policy& p) {
    return drains(p) || p.permit.empty() || !of_platform(p, in);
  });
  for (auto& p : out.policies) {
    if (!drains(p)) continue;
    p.zone.clear();
    p.forbid.clear();
    p.transfer.clear();
    if (!silent || !of_platform(p, in)) p.permit.clear();
    for (auto& c : p.permit) {
      c.zone = "*";
      c.data_level = static_cast<std::int32_t>(grid::kTopDataLevel);
      c.regimes = all_regimes(in);
      c.until.clear();
    }
  }
  std::erase_if(out.policies, [](const grid::Policy& p) { return drains(p) && p.permit.empty(); });
  return out;
}

}  // namespace aigrid::policy
