#include <algorithm>
#include <set>
#include <tuple>

#include "core/policy/law.h"

namespace aigrid::policy {

namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// An alias in a policy binds the model it stands for.
std::string model_name(const grid::Inventory& inventory, const std::string& name_or_alias) {
  for (const auto& m : inventory.models) {
    if (names(m.aliases, name_or_alias)) return m.name;
  }
  return name_or_alias;
}

std::uint64_t hash_of(const SiteSet& sites) {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const auto w : sites.words()) h = (h ^ w) * 0x100000001b3U;
  return h;
}

Result<void> check_clause(const std::string& where, const grid::Clause& c, Level level, bool transfer, bool forbid) {
  const bool wide = level == Level::Platform;
  if (c.actions.empty()) return invalid(where + ": names no actions: list some, such as [process, cache]");
  for (const auto& a : c.actions) {
    if (a == "*" && wide) continue;
    if (a == "*") return invalid(where + ": actions \"*\" is for level platform only: name the actions");
    if (std::find(grid::kActionNames.begin(), grid::kActionNames.end(), a) == grid::kActionNames.end()) {
      std::string all;
      for (const auto name : grid::kActionNames) all += (all.empty() ? "" : ", ") + std::string(name);
      return invalid(where + ": " + quoted(a) + " is no action: there are " + all);
    }
  }
  if (c.zone == "*" && !wide) return invalid(where + ": zone \"*\" is for level platform only: name a zone");
  if (c.data_level > static_cast<std::int32_t>(grid::kTopDataLevel)) {
    return invalid(where + ": data_level is " + std::to_string(c.data_level) + ", outside 0 to 4");
  }
  if (forbid && !c.until.empty()) return invalid(where + ": has until: a forbid stays until it is removed");
  if (auto end = end_of(c.until); !end.ok()) return invalid(where + ": until: " + end.error().message);
  if (!transfer && !(c.from.empty() && c.mechanism.empty())) {
    return invalid(where + ": from and mechanism belong to a transfer: write it there");
  }
  if (!transfer) return {};
  if (!wide) return invalid(where + ": a transfer is for level platform only");
  if (c.zone == "*") return invalid(where + ": a transfer names the zone it goes to, not \"*\"");
  static const std::vector<std::string> kMechanisms = {"adequacy", "scc", "consent", "contract"};
  if (!names(kMechanisms, c.mechanism)) {
    return invalid(where + ": mechanism " + quoted(c.mechanism) + " is none of adequacy, scc, consent, contract");
  }
  if (c.from.empty()) return invalid(where + ": from is missing: name the zone whose data may go");
  return {};
}

}  // namespace

Result<Level> level_of(const grid::Policy& policy, const grid::Inventory& inventory) {
  const std::string where = "policy " + quoted(policy.name) + ": level ";
  if (policy.level.empty()) {
    if (!policy.operators.empty()) return Level::Operator;
    if (policy.tenants.empty()) return Level::Platform;
    const bool projects = std::all_of(policy.tenants.begin(), policy.tenants.end(), [&](const std::string& who) {
      return std::none_of(inventory.tenants.begin(), inventory.tenants.end(),
                          [&](const grid::Tenant& t) { return t.name == who; });
    });
    return projects ? Level::Project : Level::Tenant;
  }
  for (const Level level : {Level::Platform, Level::Operator, Level::Tenant, Level::Project}) {
    if (policy.level != grid::to_string(level)) continue;
    if ((level == Level::Operator) == policy.operators.empty()) {
      return invalid(where + policy.level +
                     (policy.operators.empty() ? " needs operators: name whose sites it speaks for"
                                               : " has no operators: write level: operator"));
    }
    return level;
  }
  return invalid(
      where + quoted(policy.level) + " is none of platform, operator, tenant, project" +
      (policy.level == "key" || policy.level == "request" ? ": keys and requests only narrow, by zone" : ""));
}

Result<void> check_clauses(const grid::Policy& policy, Level level) {
  const std::string where = "policy " + quoted(policy.name) + ": ";
  const auto each = [&](const char* part, const std::vector<grid::Clause>& list, bool transfer,
                        bool forbid) -> Result<void> {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string at = where + part + " " + std::to_string(i);
      AIGRID_CHECK_OK(check_clause(at, list[i], level, transfer, forbid));
    }
    return {};
  };
  AIGRID_CHECK_OK(each("permit", policy.permit, false, false));
  AIGRID_CHECK_OK(each("forbid", policy.forbid, false, true));
  AIGRID_CHECK_OK(each("transfer", policy.transfer, true, false));
  if (!policy.on_change.empty() && policy.on_change != grid::kCut && policy.on_change != grid::kDrain) {
    return invalid(where + "on_change " + quoted(policy.on_change) + " is neither cut nor drain");
  }
  if (policy.zone == "*") return invalid(where + "zone \"*\" bounds nothing: leave it out");
  if (policy.zone.empty() && policy.permit.empty() && policy.forbid.empty() && policy.transfer.empty()) {
    return invalid(where + "says nothing: give it a zone, or permit, forbid or transfer");
  }
  return {};
}

class LawCompiler {
 public:
  LawCompiler(const grid::Inventory& inventory, const std::vector<grid::Site>& sites, std::int64_t second)
      : in_(inventory), sites_(sites) {
    law_.second_ = second;
  }

  Result<Law> run() {
    for (std::size_t i = 0; i < sites_.size(); ++i) law_.everywhere_.insert(static_cast<SiteIndex>(i));
    law_.pool_ = {SiteSet{}};
    pooled_.emplace(hash_of(SiteSet{}), 0);
    AIGRID_TRY(auto zones, compile_zones(in_, sites_, law_.second_));
    law_.good_until_ = zones.good_until;
    for (std::size_t i = 0; i < zones.zones.size(); ++i) {
      law_.zones_.emplace(in_.zones[i].name, std::move(zones.zones[i]));
    }
    AIGRID_CHECK_OK(regimes());
    AIGRID_CHECK_OK(rules());
    accounts();
    return std::move(law_);
  }

 private:
  using Bucket = Law::Bucket;
  using Part = Law::Part;

  // A clause, a bound by zone or a transfer, resolved.
  struct Rule {
    Level level = Level::Platform;
    Part part = Part::Permit;
    bool speaks = true;
    std::uint32_t actions = 0;  // bits
    std::uint32_t upto = 0;
    std::uint64_t regimes = 0;
    SiteSet sites;
    SiteSet spoken;
    std::string from{};  // transfer
  };

  Result<void> regimes() {
    std::set<std::string> all;
    const auto add = [&all](const std::vector<std::string>& list) { all.insert(list.begin(), list.end()); };
    for (const auto& p : in_.policies) {
      for (const auto* list : {&p.permit, &p.forbid, &p.transfer}) {
        for (const auto& c : *list) add(c.regimes);
      }
    }
    for (const auto& t : in_.tenants) add(t.regimes);
    for (const auto& p : in_.projects) add(p.regimes);
    if (all.size() > kMaxRegimes) {
      return invalid("policies and accounts name " + std::to_string(all.size()) + " regimes: at most 63");
    }
    law_.regimes_.assign(all.begin(), all.end());
    return {};
  }

  Result<const ZoneSites*> zone(const std::string& where, const std::string& name) const {
    const ZoneSites* z = law_.zone(name);
    if (z == nullptr) return invalid(where + " names zone " + quoted(name) + ", which does not exist");
    return z;
  }

  static std::uint32_t actions_of(const grid::Clause& clause) {
    std::uint32_t bits = 0;
    for (std::size_t a = 0; a < grid::kActions; ++a) {
      if (speaks_of(clause, static_cast<Action>(a))) bits |= 1U << a;
    }
    return bits;
  }

  // What binds by `zone:` alone: nothing executes outside.
  Result<Rule> bound(const std::string& where, Level level, const std::string& name) const {
    AIGRID_TRY(const ZoneSites* z, zone(where, name));
    Rule rule;
    rule.level = level;
    rule.part = Part::Forbid;
    for (const Action a : kExecution) rule.actions |= 1U << static_cast<unsigned>(a);
    rule.sites = law_.everywhere_;
    rule.sites.subtract(z->certain);
    return rule;
  }

  SiteSet sites_of_operators(const std::vector<std::string>& operators, bool or_unknown) const {
    SiteSet out;
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const auto& name = sites_[s].operator_name;
      if (name.empty() ? or_unknown : names(operators, name)) out.insert(static_cast<SiteIndex>(s));
    }
    return out;
  }

  Result<Rule> resolve(const std::string& where, const grid::Policy& p, const grid::Clause& c, Level level, Part part,
                       bool transfer) {
    Rule rule;
    rule.level = level;
    rule.part = part;
    rule.speaks = !transfer;
    rule.actions = actions_of(c);
    const bool permit = part == Part::Permit;
    const std::int32_t unset = permit ? static_cast<std::int32_t>(grid::kOrdinaryLevel) : 0;
    rule.upto = static_cast<std::uint32_t>(c.data_level < 0 ? unset : c.data_level);
    rule.regimes = law_.regimes(c.regimes);
    rule.from = c.from;
    if (transfer) AIGRID_CHECK_OK(zone(where + ": from", c.from));
    rule.sites = law_.everywhere_;
    if (c.zone != "*") {
      AIGRID_TRY(const ZoneSites* z, zone(where, c.zone));
      rule.sites = permit ? z->certain : z->possible;
    }
    rule.spoken = law_.everywhere_;
    if (!p.operators.empty()) {
      rule.sites &= sites_of_operators(p.operators, !permit);
      rule.spoken &= sites_of_operators(p.operators, true);
    }
    AIGRID_TRY(const std::int64_t end, end_of(c.until));
    if (end <= law_.second_) {
      rule.sites = SiteSet{};
    } else {
      law_.good_until_ = std::min(law_.good_until_, end);
    }
    return rule;
  }

  Result<void> rules() {
    for (const auto& p : in_.policies) {
      const std::string where = "policy " + quoted(p.name);
      AIGRID_TRY(const Level level, level_of(p, in_));
      AIGRID_CHECK_OK(check_clauses(p, level));
      std::vector<Rule> list;
      if (!p.zone.empty()) {
        AIGRID_TRY(auto rule, bound(where + ": rule zone", level, p.zone));
        if (!p.operators.empty()) rule.sites &= sites_of_operators(p.operators, true);
        list.push_back(std::move(rule));
      }
      for (const auto& c : p.permit) {
        AIGRID_TRY(auto rule, resolve(where + ": permit", p, c, level, Part::Permit, false));
        list.push_back(std::move(rule));
      }
      for (const auto& c : p.forbid) {
        AIGRID_TRY(auto rule, resolve(where + ": forbid", p, c, level, Part::Forbid, false));
        list.push_back(std::move(rule));
      }
      for (const auto& c : p.transfer) {
        AIGRID_TRY(auto rule, resolve(where + ": transfer", p, c, level, Part::Permit, true));
        list.push_back(std::move(rule));
      }
      rules_.push_back(std::move(list));
      grid::Policy resolved;
      resolved.tenants = p.tenants;
      for (const auto& m : p.models) resolved.models.push_back(model_name(in_, m));
      who_.push_back(std::move(resolved));
    }
    for (const auto& zone_of : in_.models) {
      if (zone_of.zone.empty()) continue;
      AIGRID_CHECK_OK(zone("model " + quoted(zone_of.name) + ": rule zone", zone_of.zone));
    }
    return {};
  }

  std::uint32_t pool(const SiteSet& sites) {
    const auto hash = hash_of(sites);
    for (auto [it, end] = pooled_.equal_range(hash); it != end; ++it) {
      if (law_.pool_[it->second] == sites) return it->second;
    }
    const auto index = static_cast<std::uint32_t>(law_.pool_.size());
    law_.pool_.push_back(sites);
    pooled_.emplace(hash, index);
    return index;
  }

  void accounts() {
    std::set<std::string> models;
    for (const auto& p : who_) models.insert(p.models.begin(), p.models.end());
    std::map<std::string, std::string> zones;  // of models
    for (const auto& m : in_.models) {
      if (!m.zone.empty()) models.insert(m.name), zones[m.name] = m.zone;
    }
    std::uint32_t column = 0;
    for (const auto& m : models) law_.models_[m] = ++column;
    const auto add = [&](const std::string& key, const grid::Tenant& tenant, const grid::Project* project) {
      const auto row = static_cast<std::uint32_t>(law_.accounts_.size() + 1);
      if (!key.empty()) law_.accounts_.emplace(key, row);
      Law::Who who{tenant.name, project != nullptr ? project->name : std::string_view(), {}};
      law_.profile_of_.push_back(profile(who, tenant, project, {}));
      for (const auto& m : models) {
        who.model = m;
        const auto z = zones.find(m);
        law_.profile_of_.push_back(profile(who, tenant, project, z == zones.end() ? std::string() : z->second));
      }
    };
    add("", {}, nullptr);
    for (const auto& t : in_.tenants) {
      if (!law_.accounts_.contains(t.name)) add(t.name, t, nullptr);
    }
    std::map<std::string_view, const grid::Tenant*> tenants;
    for (const auto& t : in_.tenants) tenants.emplace(t.name, &t);
    for (const auto& p : in_.projects) {
      const auto tenant = tenants.find(p.tenant);
      if (tenant != tenants.end() && !law_.accounts_.contains("/" + p.name)) add("/" + p.name, *tenant->second, &p);
    }
  }

  ProfileIndex profile(const Law::Who& who, const grid::Tenant& tenant, const grid::Project* project,
                       const std::string& model_zone) {
    const std::string& home = tenant.home.empty() ? tenant.zone : tenant.home;
    std::string key = home + "|" + tenant.zone + "|" + (project != nullptr ? project->zone : "") + "|" + model_zone;
    std::vector<std::size_t> binding;
    for (std::size_t i = 0; i < who_.size(); ++i) {
      if (!binds(who_[i], who)) continue;
      binding.push_back(i);
      key += "|" + std::to_string(i);
    }
    const auto [it, fresh] = known_.emplace(key, static_cast<ProfileIndex>(law_.profiles_.size()));
    if (!fresh) return it->second;
    Draft draft;
    for (const auto i : binding) {
      for (const auto& rule : rules_[i]) {
        if (rule.from.empty() || cells_within(in_, home, rule.from)) draft.add(rule);
      }
    }
    const auto add_bound = [&](Level level, const std::string& name) {
      if (name.empty()) return;
      if (auto rule = bound("", level, name); rule.ok()) draft.add(*rule);
    };
    add_bound(Level::Platform, model_zone);
    add_bound(Level::Tenant, tenant.zone);
    if (project != nullptr) add_bound(Level::Project, project->zone);
    law_.profiles_.push_back(finish(draft, home));
    return it->second;
  }

  struct Merged {
    SiteSet sites;
    SiteSet spoken;
  };
  using Key = std::tuple<Level, Part, bool, std::uint32_t, std::uint64_t>;
  struct Draft {
    std::array<std::map<Key, Merged>, grid::kActions> actions;
    void add(const Rule& rule) {
      for (std::size_t a = 0; a < grid::kActions; ++a) {
        if ((rule.actions >> a & 1U) == 0) continue;
        Merged& m = actions[a][{rule.level, rule.part, rule.speaks, rule.upto, rule.regimes}];
        m.sites |= rule.sites;
        m.spoken |= rule.spoken;
      }
    }
  };

  Law::Profile finish(const Draft& draft, const std::string& home) {
    Law::Profile out;
    if (const ZoneSites* z = law_.zone(home)) out.home = pool(z->certain);
    for (std::size_t a = 0; a < grid::kActions; ++a) {
      for (const auto& [key, merged] : draft.actions[a]) {
        const auto& [level, part, speaks, upto, mask] = key;
        out.actions[a].push_back({level, part, speaks, upto, mask, pool(merged.sites), pool(merged.spoken)});
      }
    }
    return out;
  }

  const grid::Inventory& in_;
  const std::vector<grid::Site>& sites_;
  Law law_;
  std::vector<std::vector<Rule>> rules_;  // by policy
  std::vector<grid::Policy> who_;         // by policy: whom and which models (by name) it binds
  std::multimap<std::uint64_t, std::uint32_t> pooled_;
  std::map<std::string, ProfileIndex> known_;
};

Result<Law> Law::compile(const grid::Inventory& inventory, const std::vector<grid::Site>& sites, std::int64_t second) {
  return LawCompiler(inventory, sites, second).run();
}

}  // namespace aigrid::policy
