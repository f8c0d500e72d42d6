#include "core/policy/diff_side.h"

#include <algorithm>

namespace aigrid::policy {

Side::Side(const grid::Inventory& inventory, bool before) : before_(before) {
  for (const auto& t : inventory.tenants) tenants_[t.name] = &t;
  for (const auto& p : inventory.projects) projects_[{p.tenant, p.name}] = &p;
  for (std::size_t i = 0; i < inventory.policies.size(); ++i) {
    for (const auto& who : inventory.policies[i].tenants) bound_by_[who] += std::to_string(i) + ",";
  }
  for (const auto& m : inventory.models) models_[m.name] = &m;
  for (const auto& k : inventory.keys) keys_[k.kid] = &k;
  for (const auto& s : inventory.sites) hosts_[s.name] = &s.hosts;
}

Result<void> Side::compile(const grid::Inventory& inventory, std::int64_t second) {
  AIGRID_TRY(residency_, Residency::compile(inventory, second));
  second_ = second;
  return {};
}

std::string Side::footing(const Party& party, const std::string& model) const {
  const auto tenant = tenants_.find(party.tenant);
  if (tenant == tenants_.end()) return "-";
  const auto listed = [this](const std::string& name) {
    const auto found = bound_by_.find(name);
    return found == bound_by_.end() ? std::string() : found->second;
  };
  const auto joined = [](const std::vector<std::string>& list) {
    std::string out;
    for (const auto& one : list) out += one + ",";
    return out;
  };
  const grid::Tenant& t = *tenant->second;
  std::string out = t.zone + "|" + t.home + "|" + std::to_string(t.data_level) + "|" + joined(t.regimes) + "|" +
                    listed(t.name) + (model.empty() || sees(model, t.name) ? "|" : "|hidden");
  if (party.project.empty()) return out;
  const auto project = projects_.find({party.tenant, party.project});
  if (project == projects_.end()) return before_ ? out : "-";
  const grid::Project& p = *project->second;
  return out + "|" + p.zone + "|" + std::to_string(p.data_level) + "|" + joined(p.regimes) + "|" + listed(p.name);
}

SiteSet Side::permitted(const Party& party, const std::string& model, Action action, std::uint32_t level,
                        const std::vector<std::string>& regimes) const {
  Subject subject;
  subject.tenant = party.tenant;
  subject.project = party.project;
  subject.model = model;
  subject.data_level = level;
  subject.regimes = &regimes;
  if (!party.key.empty() && !narrow(subject, party.key, model)) return {};
  if (!tenants_.contains(std::string(subject.tenant))) return {};
  if (!subject.project.empty() && !projects_.contains({std::string(subject.tenant), std::string(subject.project)})) {
    // What is asked for a project that comes could be asked before without one; one that is gone, its keys with it.
    if (!before_ || !party.key.empty()) return {};
    subject.project = {};
  }
  if (!model.empty() && !sees(model, subject.tenant)) return {};
  return residency_.allowed(subject, action).value_or(SiteSet{});
}

bool Side::narrow(Subject& subject, const std::string& kid, const std::string& model) const {
  const auto found = keys_.find(kid);
  if (found == keys_.end()) return false;
  const grid::ApiKey& key = *found->second;
  if (key.revoked || (key.expires_unix_s > 0 && key.expires_unix_s <= second_)) return false;
  if (!key.models.empty() && std::find(key.models.begin(), key.models.end(), model) == key.models.end()) return false;
  subject.tenant = key.tenant;
  subject.project = key.project;
  subject.key_zone = key.zone;
  subject.key_regimes = &key.regimes;
  subject.data_level = std::max(subject.data_level, key.data_level);
  return true;
}

bool Side::sees(const std::string& model, std::string_view tenant) const {
  const auto found = models_.find(model);
  if (found == models_.end()) return false;
  const auto& list = found->second->tenants;
  return list.empty() || std::find(list.begin(), list.end(), tenant) != list.end();
}

}  // namespace aigrid::policy
