// The words for a refusal: off the fast path, pointwise, from the same rules.
#include <algorithm>

#include "core/policy/residency.h"

namespace aigrid::policy {
namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

std::string class_text(const Sensitivity& data) { return "data level " + std::to_string(data.level); }

bool covers(const Law& law, const grid::Clause& c, const Sensitivity& data) {
  const std::int32_t upto = c.data_level < 0 ? static_cast<std::int32_t>(grid::kOrdinaryLevel) : c.data_level;
  return static_cast<std::int32_t>(data.level) <= upto && (data.regimes & ~law.regimes(c.regimes)) == 0;
}

bool holds_for(const Law& law, const grid::Clause& c, const Sensitivity& data) {
  const std::uint64_t mask = law.regimes(c.regimes);
  return static_cast<std::int32_t>(data.level) >= c.data_level && (mask == 0 || (mask & data.regimes) != 0);
}

bool expired(const grid::Clause& c, std::int64_t second) {
  const auto end = end_of(c.until);
  return !end.ok() || *end <= second;
}

std::string permit_text(const grid::Policy& p, const grid::Clause& c) {
  std::string text = "policy " + quoted(p.name) + " permits zone " + quoted(c.zone);
  if (!c.from.empty()) text += " for data from zone " + quoted(c.from) + " by " + c.mechanism;
  text += " up to data level " + std::to_string(c.data_level < 0 ? 1 : c.data_level);
  for (const auto& r : c.regimes) text += (&r == &c.regimes.front() ? " and regimes " : ", ") + r;
  if (!c.until.empty()) text += " until " + c.until;
  return text;
}

const grid::Tenant* tenant_of(const grid::Inventory& in, std::string_view name) {
  const auto it = std::find_if(in.tenants.begin(), in.tenants.end(), [&](const auto& t) { return t.name == name; });
  return it == in.tenants.end() ? nullptr : &*it;
}

// As the law resolves it: aliases in `models` bind the model they stand for.
bool binding(const grid::Inventory& in, const grid::Policy& p, const Law::Who& who) {
  if (binds(p, who)) return true;
  for (const auto& m : in.models) {
    if (m.name != who.model) continue;
    for (const auto& alias : m.aliases) {
      if (binds(p, {who.tenant, who.project, alias})) return true;
    }
  }
  return false;
}

bool speaks_for(const grid::Policy& p, const grid::Site& site) {
  return p.operators.empty() || site.operator_name.empty() ||
         std::find(p.operators.begin(), p.operators.end(), site.operator_name) != p.operators.end();
}

std::string silent_platform(const Subject& subject, const grid::Tenant* tenant, Action action,
                            const Sensitivity& data) {
  const std::string what(grid::to_string(action));
  if (data.level > grid::kOrdinaryLevel) {
    return "no platform policy permits " + what + ", which " + class_text(data) + " needs";
  }
  const std::string home = tenant == nullptr ? std::string() : tenant->home.empty() ? tenant->zone : tenant->home;
  if (home.empty()) {
    return "tenant " + quoted(subject.tenant) + " has no home zone and no platform policy permits " + what +
           ": give it a zone, or a platform policy that says where";
  }
  return "home zone " + quoted(home) + " of tenant " + quoted(subject.tenant) + " (no platform policy permits " + what +
         ")";
}

}  // namespace

std::string to_text(const Denial& d) {
  std::string text = std::string(grid::to_string(d.action)) + " is denied at level " +
                     std::string(grid::to_string(d.level)) + ": " + d.rule;
  if (!d.gap.empty()) text += "; " + d.gap;
  return text;
}

// What binds by `zone:` alone: its words, its zone.
std::vector<std::pair<std::string, std::string>> Residency::bounds(const Subject& subject) const {
  std::vector<std::pair<std::string, std::string>> out;
  const auto add = [&out](std::string who, std::string_view zone) {
    if (!zone.empty()) out.emplace_back(std::move(who) + " zone " + quoted(zone), zone);
  };
  for (const auto& m : source_->models) {
    if (m.name == subject.model) add("model " + quoted(m.name), m.zone);
  }
  if (const auto* tenant = tenant_of(*source_, subject.tenant)) add("tenant " + quoted(tenant->name), tenant->zone);
  for (const auto& p : source_->projects) {
    if (p.name == subject.project) add("project " + quoted(p.name), p.zone);
  }
  add("key", subject.key_zone);
  if (subject.zones != nullptr) {
    for (const auto& name : *subject.zones) add("request", name);
  }
  return out;
}

std::vector<std::string> Residency::rules(const Subject& subject) const {
  std::vector<std::string> out;
  const auto law = law_at(subject.second);
  if (!law.ok()) return {law.error().message};
  const auto who = asked(**law, subject);
  if (!who.ok()) return {who.error().message};
  const Law::Who name{subject.tenant, subject.project, subject.model};
  for (const Action action : kHostActions) {
    bool speaks = false;
    for (const auto& p : source_->policies) {
      const auto level = level_of(p, *source_);
      if (!level.ok() || *level != Level::Platform || !binding(*source_, p, name)) continue;
      for (const auto& c : p.permit) speaks = speaks || speaks_of(c, action);
    }
    if (speaks) continue;
    out.push_back(silent_platform(subject, tenant_of(*source_, subject.tenant), action, who->data));
    break;
  }
  for (const auto& p : source_->policies) {
    if (!binding(*source_, p, name)) continue;
    if (!p.zone.empty()) out.push_back("policy " + quoted(p.name) + " zone " + quoted(p.zone));
    const auto concerns = [](const grid::Clause& c) {
      return std::any_of(kHostActions.begin(), kHostActions.end(), [&c](Action a) { return speaks_of(c, a); });
    };
    for (const auto& c : p.permit) {
      if (concerns(c) && (c.zone != "*" || !covers(**law, c, who->data))) out.push_back(permit_text(p, c));
    }
    for (const auto& c : p.forbid) {
      if (concerns(c) && holds_for(**law, c, who->data)) {
        out.push_back("policy " + quoted(p.name) + " forbids zone " + quoted(c.zone));
      }
    }
  }
  for (auto& [text, zone] : bounds(subject)) out.push_back(std::move(text));
  return out;
}

std::optional<Denial> Residency::cut_by_level(const Law& law, const Subject& subject, const Sensitivity& data,
                                              Level level, Action action, SiteIndex index) const {
  const grid::Site& site = source_->sites[index];
  const Law::Who who{subject.tenant, subject.project, subject.model};
  Denial denial{action, level, "", ""};
  bool speaks = false;
  bool permitted = false;
  for (const auto& p : source_->policies) {
    const auto of = level_of(p, *source_);
    if (!of.ok() || *of != level || !binding(*source_, p, who) || !speaks_for(p, site)) continue;
    const auto inside = [&](const std::string& name, bool possibly) {
      if (name == "*") return true;
      const ZoneSites* z = law.zone(name);
      return z != nullptr && (possibly ? z->possible : z->certain).contains(index);
    };
    if (executes(action) && !p.zone.empty() && !inside(p.zone, false)) {
      return Denial{action, level, "policy " + quoted(p.name) + " zone " + quoted(p.zone),
                    zone_gap(*source_, p.zone, site, law.second()).text};
    }
    for (const auto& c : p.forbid) {
      if (!speaks_of(c, action) || !holds_for(law, c, data) || !inside(c.zone, true)) continue;
      return Denial{action, level, "policy " + quoted(p.name) + " forbids zone " + quoted(c.zone),
                    inside(c.zone, false) ? "" : zone_gap(*source_, c.zone, site, law.second()).text};
    }
    for (const auto* list : {&p.permit, &p.transfer}) {
      for (const auto& c : *list) {
        if (!speaks_of(c, action)) continue;
        speaks = speaks || list == &p.permit;
        const bool counts =
            covers(law, c, data) && !expired(c, law.second()) && (p.operators.empty() || !site.operator_name.empty());
        permitted = permitted || (counts && inside(c.zone, false) && (c.from.empty() || level == Level::Platform));
        if (!denial.rule.empty()) denial.rule += ", ";
        denial.rule += permit_text(p, c);
        if (!covers(law, c, data)) {
          denial.gap = "the request has " + class_text(data) + (data.regimes != 0 ? " and regimes" : "");
        } else if (expired(c, law.second())) {
          denial.gap = "it has expired";
        } else if (c.zone != "*") {
          denial.gap = zone_gap(*source_, c.zone, site, law.second()).text;
        }
      }
    }
  }
  if (level == Level::Platform && !speaks) {
    const auto* tenant = tenant_of(*source_, subject.tenant);
    const std::string silent = silent_platform(subject, tenant, action, data);
    denial.rule = silent + (denial.rule.empty() ? "" : ", " + denial.rule);
    const std::string home = tenant == nullptr ? "" : tenant->home.empty() ? tenant->zone : tenant->home;
    if (denial.gap.empty() && !home.empty() && data.level <= grid::kOrdinaryLevel) {
      denial.gap = zone_gap(*source_, home, site, law.second()).text;
      if (denial.gap.empty()) return std::nullopt;
    }
    return denial;
  }
  return speaks && !permitted ? std::optional<Denial>(denial) : std::nullopt;
}

std::optional<Denial> Residency::denial(const Subject& subject, std::string_view site,
                                        std::span<const Action> actions) const {
  if (permits(subject, site, actions)) return std::nullopt;
  Denial unknown{Action::Process, Level::Platform, "", ""};
  const auto index = find_site(site);
  if (!index) {
    unknown.rule = "site " + quoted(site) + " is not in this bundle";
    return unknown;
  }
  const auto law = law_at(subject.second);
  const auto who = law.ok() ? asked(**law, subject) : Result<Asked>(law.error());
  if (!who.ok()) {
    unknown.rule = who.error().message;
    return unknown;
  }
  for (const Action action : actions) {
    const auto set = allowed(subject, action);
    if (set.ok() && set->contains(*index)) continue;
    if (executes(action) || !set.ok()) {
      for (const auto& [text, zone] : bounds(subject)) {
        const ZoneSites* z = (*law)->zone(zone);
        if (z != nullptr && z->certain.contains(*index)) continue;
        const Level level = text.starts_with("key")       ? Level::Key
                            : text.starts_with("request") ? Level::Request
                            : text.starts_with("project") ? Level::Project
                            : text.starts_with("tenant")  ? Level::Tenant
                                                          : Level::Platform;
        return Denial{action, level, text, zone_gap(*source_, zone, source_->sites[*index], (*law)->second()).text};
      }
    }
    for (const Level level : {Level::Platform, Level::Operator, Level::Tenant, Level::Project}) {
      if (auto cut = cut_by_level(**law, subject, who->data, level, action, *index)) return cut;
    }
    unknown.action = action;
    unknown.rule = "the policies that bind it together";
    return unknown;
  }
  return std::nullopt;
}

}  // namespace aigrid::policy
