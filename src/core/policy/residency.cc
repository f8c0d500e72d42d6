#include "core/policy/residency.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "core/policy/on_change.h"

namespace aigrid::policy {
namespace {

Error not_found(std::string message) { return {Code::NotFound, Origin::Client, Retry::Never, std::move(message)}; }

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

template <class T>
std::vector<T> by_name(std::vector<T> list) {
  std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return a.name < b.name; });
  return list;
}

template <class T>
const T* find(const std::vector<T>& sorted, std::string_view name) {
  const auto it = std::lower_bound(sorted.begin(), sorted.end(), name,
                                   [](const T& entry, std::string_view n) { return std::string_view(entry.name) < n; });
  return it != sorted.end() && it->name == name ? &*it : nullptr;
}

template <class T>
std::string near_hint(std::string_view name, const std::vector<T>& list) {
  std::vector<std::string> known;
  for (const auto& entry : list) known.push_back(entry.name);
  const std::string near = nearest_name(name, known);
  return near.empty() ? std::string() : ": did you mean " + quoted(near) + "?";
}

Result<void> check_zone(const grid::Inventory& in, const char* kind, const std::string& name, const std::string& zone) {
  if (zone.empty() || find(in.zones, zone) != nullptr) return {};
  return invalid(std::string(kind) + " " + quoted(name) + ": rule zone names " + quoted(zone) +
                 ", which does not exist" + near_hint(zone, in.zones));
}

Result<void> check_names(const grid::Inventory& in) {
  for (const auto& t : in.tenants) {
    AIGRID_CHECK_OK(check_zone(in, "tenant", t.name, t.zone));
    AIGRID_CHECK_OK(check_zone(in, "tenant", t.name, t.home));
  }
  for (const auto& p : in.projects) AIGRID_CHECK_OK(check_zone(in, "project", p.name, p.zone));
  for (const auto& m : in.models) AIGRID_CHECK_OK(check_zone(in, "model", m.name, m.zone));
  for (const auto& p : in.policies) {
    AIGRID_CHECK_OK(check_zone(in, "policy", p.name, p.zone));
    for (const auto* list : {&p.permit, &p.forbid, &p.transfer}) {
      for (const auto& c : *list) {
        if (c.zone.empty()) return invalid("policy " + quoted(p.name) + ": a clause names no zone: name one");
        if (c.zone != "*") AIGRID_CHECK_OK(check_zone(in, "policy", p.name, c.zone));
        AIGRID_CHECK_OK(check_zone(in, "policy", p.name, c.from));
      }
    }
    for (const auto& who : p.tenants) {
      if (find(in.tenants, who) != nullptr || find(in.projects, who) != nullptr) continue;
      return invalid("policy " + quoted(p.name) + ": rule tenants names " + quoted(who) +
                     ", which is neither a tenant nor a project" + near_hint(who, in.tenants));
    }
  }
  return {};
}

}  // namespace

Result<Residency> Residency::compile(const grid::Inventory& inventory, std::int64_t second) {
  AIGRID_TRY(Residency r, compile_one(inventory, second));
  if (const auto running = for_what_runs(inventory)) {
    AIGRID_TRY(Residency law, compile_one(*running, second));
    r.running_ = std::make_shared<const Residency>(std::move(law));
  }
  return r;
}

Result<Residency> Residency::compile_one(const grid::Inventory& inventory, std::int64_t second) {
  Residency r;
  auto source = std::make_shared<grid::Inventory>();
  source->operators = by_name(inventory.operators);
  source->sites = by_name(inventory.sites);
  source->zones = by_name(inventory.zones);
  source->policies = by_name(inventory.policies);
  source->models = by_name(inventory.models);
  source->tenants = by_name(inventory.tenants);
  source->projects = by_name(inventory.projects);
  if (source->sites.size() > kMaxSites) {
    return invalid("the grid has " + std::to_string(source->sites.size()) + " sites: at most " +
                   std::to_string(kMaxSites));
  }
  for (const auto& s : source->sites) r.site_names_.push_back(s.name);
  AIGRID_CHECK_OK(check_names(*source));
  AIGRID_TRY(auto law, Law::compile(*source, source->sites, second));
  r.law_ = std::make_shared<const Law>(std::move(law));
  r.source_ = std::move(source);
  return r;
}

Result<std::shared_ptr<const Law>> Residency::law_at(std::int64_t second) const {
  if (second < law_->good_until()) return law_;
  AIGRID_TRY(auto law, Law::compile(*source_, source_->sites, second));
  return std::make_shared<const Law>(std::move(law));
}

const SiteSet* Residency::zone(std::string_view name) const {
  const ZoneSites* z = law_->zone(name);
  return z == nullptr ? nullptr : &z->certain;
}

std::optional<SiteIndex> Residency::find_site(std::string_view name) const {
  const auto it = std::lower_bound(site_names_.begin(), site_names_.end(), name);
  if (it == site_names_.end() || *it != name) return std::nullopt;
  return static_cast<SiteIndex>(it - site_names_.begin());
}

std::vector<std::string> Residency::deserted_zones() const {
  std::vector<std::string> out;
  for (const auto& [name, sites] : law_->zones()) {
    if (sites.certain.empty()) out.push_back(name);
  }
  return out;
}

Result<Residency::Asked> Residency::asked(const Law& law, const Subject& subject) const {
  const grid::Tenant* tenant = find(source_->tenants, subject.tenant);
  if (tenant == nullptr) {
    return not_found("tenant " + quoted(subject.tenant) + " does not exist" +
                     near_hint(subject.tenant, source_->tenants));
  }
  Asked out;
  out.data = {std::max(tenant->data_level, subject.data_level), law.regimes(tenant->regimes)};
  if (subject.regimes != nullptr) out.data.regimes |= law.regimes(*subject.regimes);
  if (subject.key_regimes != nullptr) out.data.regimes |= law.regimes(*subject.key_regimes);
  if (!subject.project.empty()) {
    const grid::Project* project = find(source_->projects, subject.project);
    if (project == nullptr || project->tenant != tenant->name) {
      return not_found("project " + quoted(subject.project) + " does not exist in tenant " + quoted(tenant->name) +
                       near_hint(subject.project, source_->projects));
    }
    out.data.raise({project->data_level, law.regimes(project->regimes)});
  }
  if (out.data.level > grid::kTopDataLevel) {
    return invalid("data_level is " + std::to_string(out.data.level) + ", outside 0 to 4");
  }
  out.profile = law.profile({subject.tenant, subject.project, subject.model});
  return out;
}

// The zones of the key and of the request: nothing executes outside.
Result<void> Residency::bound(const Law& law, const Subject& subject, SiteSet& sites) const {
  const auto narrow = [&](const char* level, std::string_view name) -> Result<void> {
    const ZoneSites* z = law.zone(name);
    if (z == nullptr) {
      return not_found(std::string(level) + ": zone " + quoted(name) + " does not exist" +
                       near_hint(name, source_->zones));
    }
    sites &= z->certain;
    return {};
  };
  if (!subject.key_zone.empty()) AIGRID_CHECK_OK(narrow("key", subject.key_zone));
  if (subject.zones == nullptr) return {};
  for (const auto& name : *subject.zones) AIGRID_CHECK_OK(narrow("request", name));
  return {};
}

Result<SiteSet> Residency::allowed(const Subject& subject, Action action) const {
  AIGRID_TRY(const auto law, law_at(subject.second));
  AIGRID_TRY(const Asked who, asked(*law, subject));
  SiteSet out = law->allowed(who.profile, action, who.data);
  SiteSet within = law->everywhere();
  AIGRID_CHECK_OK(bound(*law, subject, within));  // a name nobody knows permits nothing, whatever the action
  if (executes(action)) out &= within;
  return out;
}

SiteSet Residency::lingering(const Subject& subject) const {
  if (!running_) return {};
  const auto permit = running_->permitted(subject);
  return permit.ok() ? permit->sites : SiteSet{};
}

Result<Permit> Residency::permitted(const Subject& subject) const {
  AIGRID_TRY(const auto law, law_at(subject.second));
  AIGRID_TRY(const Asked who, asked(*law, subject));
  Permit permit;
  permit.sites = permit.ingress = law->everywhere();
  AIGRID_CHECK_OK(bound(*law, subject, permit.sites));
  permit.relay = law->allowed(who.profile, Action::Route, who.data);
  const SiteSet logged = law->allowed(who.profile, Action::LogMeta, who.data);
  permit.sites &= law->allowed(who.profile, Action::Process, who.data);
  permit.sites &= law->allowed(who.profile, Action::Cache, who.data);
  permit.ingress &= law->allowed(who.profile, Action::Terminate, who.data);
  for (SiteSet* set : {&permit.sites, &permit.ingress}) {
    *set &= permit.relay;
    *set &= logged;
  }
  return permit;
}

bool Residency::permits(const Subject& subject, std::string_view site, std::span<const Action> actions) const {
  const auto index = find_site(site);
  if (!index) return false;
  return std::all_of(actions.begin(), actions.end(), [&](Action action) {
    const auto set = allowed(subject, action);
    return set.ok() && set->contains(*index);
  });
}

}  // namespace aigrid::policy
