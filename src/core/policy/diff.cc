#include "core/policy/diff.h"

#include <algorithm>
#include <set>

namespace aigrid::policy {
namespace {

using Names = std::set<std::string>;

void add_regimes(const grid::Inventory& inventory, Names& all, std::set<Names>& clauses) {
  const auto add = [&](const std::vector<std::string>& list) {
    all.insert(list.begin(), list.end());
    if (!list.empty()) clauses.emplace(list.begin(), list.end());
  };
  for (const auto& p : inventory.policies) {
    for (const auto* list : {&p.permit, &p.forbid, &p.transfer}) {
      for (const auto& c : *list) add(c.regimes);
    }
  }
  for (const auto& t : inventory.tenants) add(t.regimes);
  for (const auto& p : inventory.projects) add(p.regimes);
}

// The sets of regimes to ask about.
std::vector<std::vector<std::string>> probes(const grid::Inventory& before, const grid::Inventory& after) {
  Names all;
  std::set<Names> sets;
  add_regimes(before, all, sets);
  add_regimes(after, all, sets);
  const std::vector<std::string> list(all.begin(), all.end());
  if (list.size() <= kExactRegimes) {
    for (std::size_t mask = 0; mask < std::size_t{1} << list.size(); ++mask) {
      Names some;
      for (std::size_t i = 0; i < list.size(); ++i) {
        if ((mask >> i & 1U) != 0) some.insert(list[i]);
      }
      sets.insert(std::move(some));
    }
  } else {
    for (const auto& one : list) sets.insert({one});
    const std::vector<Names> known(sets.begin(), sets.end());
    for (const auto& a : known) {
      for (const auto& b : known) {
        Names both = a;
        both.insert(b.begin(), b.end());
        sets.insert(std::move(both));
      }
    }
    sets.insert(Names{});
  }
  std::vector<std::vector<std::string>> out;
  for (const auto& s : sets) out.emplace_back(s.begin(), s.end());
  return out;
}

Names named_models(const grid::Inventory& inventory) {
  Names out;
  for (const auto& m : inventory.models) {
    const bool named =
        !m.zone.empty() || std::any_of(inventory.policies.begin(), inventory.policies.end(), [&](auto& p) {
          const auto names = [&p](const std::string& name) {
            return std::find(p.models.begin(), p.models.end(), name) != p.models.end();
          };
          return names(m.name) || std::any_of(m.aliases.begin(), m.aliases.end(), names);
        });
    if (named) out.insert(m.name);
  }
  return out;
}

class Comparison {
 public:
  Comparison(const grid::Inventory& before, const grid::Inventory& after) : in_before_(before), in_after_(after) {}

  Result<std::vector<Shift>> run(std::int64_t second) {
    AIGRID_TRY(before_, Residency::compile(in_before_, second));
    AIGRID_TRY(after_, Residency::compile(in_after_, second));
    for (std::size_t s = 0; s < before_.site_names().size(); ++s) {
      if (const auto now = after_.find_site(before_.site_names()[s])) {
        sites_.emplace_back(static_cast<SiteIndex>(s), *now);
      }
    }
    regimes_ = probes(in_before_, in_after_);
    models_ = named_models(in_before_);
    models_.merge(named_models(in_after_));
    models_.insert("");
    Names old_tenants;
    for (const auto& t : in_before_.tenants) old_tenants.insert(t.name);
    std::set<std::pair<std::string, std::string>> old_projects;
    for (const auto& p : in_before_.projects) old_projects.emplace(p.name, p.tenant);
    for (const auto& t : in_after_.tenants) {
      if (old_tenants.contains(t.name)) compare(t.name, "");
    }
    for (const auto& p : in_after_.projects) {
      if (old_projects.contains({p.name, p.tenant}) && old_tenants.contains(p.tenant)) compare(p.tenant, p.name);
    }
    return std::move(out_);
  }

 private:
  void compare(const std::string& tenant, const std::string& project) {
    for (const auto& model : models_) {
      for (std::size_t a = 0; a < grid::kActions; ++a) {
        Shift shift;
        shift.tenant = tenant;
        shift.project = project;
        shift.model = model;
        shift.action = static_cast<Action>(a);
        fill(shift);
        if (!shift.gained.empty() || !shift.lost.empty()) out_.push_back(std::move(shift));
      }
    }
  }

  void fill(Shift& shift) const {
    Names gained;
    Names lost;
    bool first = true;
    for (std::uint32_t level = 0; level <= grid::kTopDataLevel; ++level) {
      for (const auto& regimes : regimes_) {
        Subject subject;
        subject.tenant = shift.tenant;
        subject.project = shift.project;
        subject.model = shift.model;
        subject.data_level = level;
        subject.regimes = &regimes;
        const SiteSet was = before_.allowed(subject, shift.action).value_or(SiteSet{});
        const SiteSet is = after_.allowed(subject, shift.action).value_or(SiteSet{});
        bool moved = false;
        for (const auto& [old_site, new_site] : sites_) {
          const bool had = was.contains(old_site);
          if (had == is.contains(new_site)) continue;
          moved = true;
          (had ? lost : gained).insert(before_.site_names()[old_site]);
        }
        if (!moved) continue;
        if (std::exchange(first, false)) shift.from_level = level;
        shift.to_level = level;
      }
    }
    shift.gained.assign(gained.begin(), gained.end());
    shift.lost.assign(lost.begin(), lost.end());
  }

  const grid::Inventory& in_before_;
  const grid::Inventory& in_after_;
  Residency before_;
  Residency after_;
  std::vector<std::pair<SiteIndex, SiteIndex>> sites_;
  std::vector<std::vector<std::string>> regimes_;
  Names models_;
  std::vector<Shift> out_;
};

std::string line(const Shift& shift, const std::vector<std::string>& sites, const char* how) {
  std::string text = "makes " + std::to_string(sites.size()) + how + (sites.size() == 1 ? " site" : " sites");
  text += " eligible for tenant \"" + shift.tenant + "\"";
  if (!shift.project.empty()) text += ", project \"" + shift.project + "\"";
  if (!shift.model.empty()) text += ", model \"" + shift.model + "\"";
  text += ", action " + std::string(grid::to_string(shift.action)) + ", data level " + std::to_string(shift.from_level);
  if (shift.to_level != shift.from_level) text += " to " + std::to_string(shift.to_level);
  for (const auto& name : sites) text += (&name == &sites.front() ? ": " : ", ") + name;
  return text;
}

}  // namespace

Result<std::vector<Shift>> diff(const grid::Inventory& before, const grid::Inventory& after, std::int64_t second) {
  return Comparison(before, after).run(second);
}

std::vector<std::string> to_text(const Shift& shift) {
  std::vector<std::string> out;
  if (!shift.gained.empty()) out.push_back(line(shift, shift.gained, " more"));
  if (!shift.lost.empty()) out.push_back(line(shift, shift.lost, " fewer"));
  return out;
}

bool widens(const std::vector<Shift>& shifts) {
  return std::any_of(shifts.begin(), shifts.end(), [](const Shift& s) { return s.widens(); });
}

}  // namespace aigrid::policy
