#include "core/policy/law.h"

#include <algorithm>

namespace aigrid::policy {

namespace {

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

bool speaks_of(const grid::Clause& clause, Action action) {
  return names(clause.actions, grid::to_string(action)) || names(clause.actions, "*");
}

bool binds(const grid::Policy& policy, const Law::Who& who) {
  const bool subject = policy.tenants.empty() || names(policy.tenants, who.tenant) ||
                       (!who.project.empty() && names(policy.tenants, who.project));
  return subject && (policy.models.empty() || names(policy.models, who.model));
}

const ZoneSites* Law::zone(std::string_view name) const {
  const auto it = zones_.find(name);
  return it == zones_.end() ? nullptr : &it->second;
}

std::uint64_t Law::regime(std::string_view name) const {
  const auto it = std::lower_bound(regimes_.begin(), regimes_.end(), name);
  if (it == regimes_.end() || *it != name) return kUnknownRegime;
  return std::uint64_t{1} << static_cast<unsigned>(it - regimes_.begin());
}

std::uint64_t Law::regimes(const std::vector<std::string>& list) const {
  std::uint64_t mask = 0;
  for (const auto& name : list) mask |= regime(name);
  return mask;
}

ProfileIndex Law::profile(const Who& who) const {
  const auto model = models_.find(who.model);
  const std::uint32_t column = model == models_.end() ? 0 : model->second;
  std::uint32_t row = 0;
  if (who.project.empty()) {
    const auto it = accounts_.find(who.tenant);
    row = it == accounts_.end() ? 0 : it->second;
  } else {
    // Names of projects are unique in a grid, and none holds a slash.
    std::array<char, 160> joined{};
    const std::size_t size = std::min(who.project.size() + 1, joined.size());
    joined[0] = '/';
    std::copy_n(who.project.begin(), size - 1, joined.begin() + 1);
    const auto it = accounts_.find(std::string_view(joined.data(), size));
    row = it == accounts_.end() ? 0 : it->second;
  }
  return profile_of_[row * (models_.size() + 1) + column];
}

SiteSet Law::allowed(ProfileIndex index, Action action, const Sensitivity& data) const {
  const Profile& profile = profiles_[index];
  const auto& buckets = profile.actions[static_cast<std::size_t>(action)];
  SiteSet out = everywhere_;
  std::size_t at = 0;
  for (const Level level : {Level::Platform, Level::Operator, Level::Tenant, Level::Project}) {
    SiteSet permitted;
    SiteSet spoken;
    SiteSet forbidden;
    bool speaks = false;
    for (; at < buckets.size() && buckets[at].level == level; ++at) {
      const Bucket& b = buckets[at];
      if (b.part == Part::Forbid) {
        if (data.level >= b.upto && (b.regimes == 0 || (b.regimes & data.regimes) != 0)) forbidden |= pool_[b.sites];
        continue;
      }
      if (b.speaks) {
        speaks = true;
        spoken |= pool_[b.spoken];
      }
      if (data.level <= b.upto && (data.regimes & ~b.regimes) == 0) permitted |= pool_[b.sites];
    }
    if (level == Level::Platform) {
      if (!speaks && data.level <= grid::kOrdinaryLevel) permitted |= pool_[profile.home];
      out &= permitted;
    } else if (speaks) {
      SiteSet silent = everywhere_;
      silent.subtract(spoken);
      permitted |= silent;
      out &= permitted;
    }
    out.subtract(forbidden);
  }
  return out;
}

}  // namespace aigrid::policy
