#include "core/policy/preview.h"

#include <algorithm>
#include <array>

namespace aigrid::policy {
namespace {

constexpr std::size_t kExamples = 3;
constexpr std::array<std::string_view, 4> kFates = {"same", "refused", "moved", "allowed"};

Subject subject_of(const Recorded& r) {
  Subject subject;
  subject.tenant = r.tenant;
  subject.project = r.project;
  subject.model = r.model;
  subject.key_zone = r.key_zone;
  subject.zones = &r.zones;
  subject.data_level = r.data_level;
  subject.regimes = &r.regimes;
  subject.key_regimes = &r.key_regimes;
  subject.second = r.second;
  return subject;
}

}  // namespace

std::string_view to_string(Fate fate) { return kFates[static_cast<std::size_t>(fate)]; }

Result<Preview> Preview::compile(const grid::Inventory& after, std::int64_t second) {
  Preview out;
  AIGRID_TRY(out.residency_, Residency::compile(after, second));
  std::map<std::string_view, std::string_view> site_of;
  for (const auto& node : after.nodes) site_of[node.name] = node.site;
  std::map<std::string, SiteSet> by_name;
  for (const auto& deployment : after.deployments) {
    for (const auto& node : deployment.nodes) {
      const auto site = out.residency_.find_site(site_of[node]);
      if (site) by_name[deployment.model].insert(*site);
    }
  }
  for (const auto& model : after.models) {
    out.places_[model.name] |= by_name[model.name];
    for (const auto& alias : model.aliases) out.places_[alias] |= by_name[model.name];
  }
  return out;
}

// Where the request itself was ready to go.
SiteSet Preview::asked_for(const Recorded& r) const {
  const auto set_of = [this](const std::vector<std::string>& names) {
    SiteSet out;
    for (const auto& name : names) {
      if (const auto site = residency_.find_site(name)) out.insert(*site);
    }
    return out;
  };
  SiteSet out = r.only_sites.empty() ? SiteSet::all() : set_of(r.only_sites);
  out.subtract(set_of(r.ignore_sites));
  return out;
}

Foretold Preview::foretell(const Recorded& r) const {
  const Subject subject = subject_of(r);
  const auto permit = residency_.permitted(subject);
  const auto places = places_.find(r.model);
  bool anywhere = false;
  bool enters = false;
  if (permit.ok()) {
    const auto door = residency_.find_site(r.door);
    enters = r.door.empty() || (door && permit->ingress.contains(*door));
    SiteSet left = permit->sites;
    left &= asked_for(r);
    if (places != places_.end()) left &= places->second;
    anywhere = !left.empty();
  }
  const bool allowed = enters && anywhere;
  if (r.denied) return {allowed ? Fate::Allowed : Fate::Same, {}};
  if (r.site.empty()) return {};  // it failed for another reason, and would have
  if (!permit.ok()) return {Fate::Refused, permit.error().message};
  if (!enters) {
    const auto denial = residency_.denial(subject, r.door, kIngressActions);
    return {Fate::Refused, denial ? denial->rule : std::string()};
  }
  const auto denial = residency_.denial(subject, r.site);
  if (!denial) return {};
  return {anywhere ? Fate::Moved : Fate::Refused, denial->rule};
}

void Preview::add(const Recorded& r) {
  ++requests_;
  Foretold told = foretell(r);
  if (told.fate == Fate::Same) return;
  Tally& tally = changes_[{told.fate, r.tenant, r.site.empty() ? r.door : r.site, std::move(told.rule)}];
  ++tally.requests;
  if (tally.examples.size() < kExamples) tally.examples.push_back(r.request_id);
}

}  // namespace aigrid::policy
