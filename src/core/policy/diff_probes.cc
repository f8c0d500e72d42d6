#include "core/policy/diff_probes.h"

#include <algorithm>
#include <map>

#include "core/policy/dates.h"
#include "core/policy/diff.h"

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
  for (const auto& k : inventory.keys) add(k.regimes);
}

void add_named_models(const grid::Inventory& inventory, Names& out) {
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
  for (const auto& k : inventory.keys) out.insert(k.models.begin(), k.models.end());
}

// Everything that ends, by what it is and when.
std::set<std::pair<std::string, std::int64_t>> ends_of(const grid::Inventory& inventory) {
  std::set<std::pair<std::string, std::int64_t>> out;
  const auto add = [&out](std::string what, const std::string& date) {
    const auto end = end_of(date);
    if (end.ok() && *end != kNoEnd) out.emplace(std::move(what), *end);
  };
  for (const auto& p : inventory.policies) {
    for (std::size_t i = 0; i < p.permit.size(); ++i) add("permit " + p.name + std::to_string(i), p.permit[i].until);
    for (std::size_t i = 0; i < p.transfer.size(); ++i) {
      add("transfer " + p.name + std::to_string(i), p.transfer[i].until);
    }
  }
  for (const auto& s : inventory.sites) {
    for (const auto& c : s.certs) add("cert " + s.name + "/" + c.name, c.until);
  }
  for (const auto& k : inventory.keys) {
    if (k.expires_unix_s > 0) out.emplace("key " + k.kid, k.expires_unix_s);
  }
  return out;
}

void add_zones(const grid::Inventory& inventory, Names& cut, Names& bound) {
  for (const auto& z : inventory.zones) {
    cut.insert(z.exclude.begin(), z.exclude.end());
    bound.insert(z.include.begin(), z.include.end());
    bound.insert(z.intersect.begin(), z.intersect.end());
  }
  for (const auto& p : inventory.policies) {
    bound.insert(p.zone);
    for (const auto& c : p.permit) bound.insert(c.zone);
    for (const auto& c : p.transfer) bound.insert({c.zone, c.from});
    for (const auto& c : p.forbid) cut.insert(c.zone);
  }
  for (const auto& t : inventory.tenants) bound.insert({t.zone, t.home});
  for (const auto& p : inventory.projects) bound.insert(p.zone);
  for (const auto& k : inventory.keys) bound.insert(k.zone);
  for (const auto& m : inventory.models) bound.insert(m.zone);
  for (const auto& s : inventory.sites) {
    for (const auto& [host, zone] : s.hosts) bound.insert(zone);
  }
}

}  // namespace

std::set<std::string> only_cutting_zones(const grid::Inventory& before, const grid::Inventory& after) {
  Names cut;
  Names bound;
  add_zones(before, cut, bound);
  add_zones(after, cut, bound);
  for (const auto& name : bound) cut.erase(name);
  return cut;
}

std::vector<std::vector<std::string>> probed_regimes(const grid::Inventory& before, const grid::Inventory& after) {
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

std::set<std::string> probed_models(const grid::Inventory& before, const grid::Inventory& after) {
  Names out{""};
  add_named_models(before, out);
  add_named_models(after, out);
  std::map<std::string, Names> seen_by;
  for (const auto& m : before.models) seen_by[m.name].insert(m.tenants.begin(), m.tenants.end());
  for (const auto& m : after.models) {
    const auto was = seen_by.find(m.name);
    if (was == seen_by.end() || was->second != Names(m.tenants.begin(), m.tenants.end())) out.insert(m.name);
    if (was != seen_by.end()) seen_by.erase(was);
  }
  for (const auto& [gone, tenants] : seen_by) out.insert(gone);
  return out;
}

std::vector<std::int64_t> probed_seconds(const grid::Inventory& before, const grid::Inventory& after,
                                         std::int64_t second) {
  const auto was = ends_of(before);
  const auto is = ends_of(after);
  std::set<std::int64_t> out{second};
  const auto add = [&](std::int64_t end) {
    if (end > second && out.size() <= kMostDates) out.insert(end);
  };
  for (const auto& one : was) {
    if (!is.contains(one)) add(one.second);
  }
  for (const auto& one : is) {
    if (!was.contains(one)) add(one.second);
  }
  for (const auto& one : was) add(one.second);
  return {out.begin(), out.end()};
}

}  // namespace aigrid::policy
