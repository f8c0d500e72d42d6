#include "core/policy/zones.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/nearest_name.h"

namespace aigrid::policy {
namespace {

// Three-valued: what is unstated is neither.
enum class Match : std::uint8_t { No, Unknown, Yes };

Match both(Match a, Match b) { return std::min(a, b); }
Match either(Match a, Match b) { return std::max(a, b); }
Match opposite(Match m) { return m == Match::Yes ? Match::No : m == Match::No ? Match::Yes : Match::Unknown; }

bool covers(const std::string& whole, const std::string& part) {
  return part == whole || (part.size() > whole.size() + 1 && part[whole.size()] == '-' && part.starts_with(whole));
}

Match in_jurisdiction(const std::string& listed, const std::string& cell) {
  if (cell.empty()) return Match::Unknown;
  if (covers(listed, cell)) return Match::Yes;
  return covers(cell, listed) ? Match::Unknown : Match::No;
}

// All of `cells` within `allowed`. No cells: nothing was stated.
Match within(const std::vector<std::string>& cells, const std::vector<std::string>& allowed) {
  if (allowed.empty()) return Match::Yes;
  if (cells.empty()) return Match::Unknown;
  Match all = Match::Yes;
  for (const auto& cell : cells) {
    Match any = Match::No;
    for (const auto& listed : allowed) any = either(any, in_jurisdiction(listed, cell));
    all = both(all, any);
  }
  return all;
}

Match one_of(const std::string& value, const std::vector<std::string>& accepted) {
  if (accepted.empty()) return Match::Yes;
  if (value.empty()) return Match::Unknown;
  return std::find(accepted.begin(), accepted.end(), value) != accepted.end() ? Match::Yes : Match::No;
}

bool asks_attributes(const grid::Zone& z) {
  return !z.require.empty() || !z.control_within.empty() || !z.staff_within.empty() || !z.telemetry_within.empty() ||
         z.seal_min > 0 || !z.certs.empty() || !z.attest.empty() || !z.tenancy.empty() || !z.operators.empty();
}

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

std::string listed(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + item;
  return out;
}

// One attribute of one site, judged, with the words for a refusal.
struct Judged {
  Match match = Match::Yes;
  std::string what;  // `cert "secnumcloud"`
  std::string got;   // empty: nothing stated
};

Judged judge_cert(const grid::Site& site, const std::string& name, std::int64_t second) {
  Judged out{Match::Unknown, "cert " + quoted(name), ""};
  for (const auto& cert : site.certs) {
    if (cert.name != name) continue;
    const auto end = end_of(cert.until);
    if (end.ok() && second < *end) return {Match::Yes, out.what, cert.until};
    out.got = "expired " + cert.until;
  }
  return out;
}

// Calls `visit(Judged)` for every attribute that `zone` asks for.
template <class F>
void judge_attributes(const grid::Zone& zone, const grid::Site& site, const grid::Operator* op, std::int64_t second,
                      F visit) {
  static const std::vector<std::string> nothing;
  for (const auto& [name, value] : zone.require) {
    const auto it = site.attributes.find(name);
    const bool stated = it != site.attributes.end();
    visit(Judged{!stated               ? Match::Unknown
                 : it->second == value ? Match::Yes
                                       : Match::No,
                 "attribute " + quoted(name), stated ? it->second : ""});
  }
  const auto& control = op != nullptr ? op->control : nothing;
  visit(Judged{within(control, zone.control_within), "control of its operator", listed(control)});
  visit(Judged{within(site.staff, zone.staff_within), "staff", listed(site.staff)});
  visit(Judged{within(site.telemetry, zone.telemetry_within), "telemetry", listed(site.telemetry)});
  if (zone.seal_min > 0) {
    const Match m = site.seal < 0 ? Match::Unknown : site.seal >= zone.seal_min ? Match::Yes : Match::No;
    visit(Judged{m, "seal", site.seal < 0 ? "" : std::to_string(site.seal)});
  }
  for (const auto& name : zone.certs) visit(judge_cert(site, name, second));
  visit(Judged{one_of(site.attest, zone.attest), "attest", site.attest});
  visit(Judged{one_of(site.tenancy, zone.tenancy), "tenancy", site.tenancy});
  visit(Judged{one_of(site.operator_name, zone.operators), "operator", site.operator_name});
}

const grid::Operator* find_operator(const grid::Inventory& inventory, const std::string& name) {
  for (const auto& op : inventory.operators) {
    if (op.name == name) return &op;
  }
  return nullptr;
}

const grid::Zone* find_zone(const grid::Inventory& inventory, const std::string& name) {
  for (const auto& z : inventory.zones) {
    if (z.name == name) return &z;
  }
  return nullptr;
}

class Compiler {
 public:
  Compiler(const grid::Inventory& inventory, const std::vector<grid::Site>& sites, std::int64_t second)
      : inventory_(inventory),
        sites_(sites),
        second_(second),
        compiled_(inventory.zones.size()),
        state_(inventory.zones.size()) {
    for (const auto& op : inventory.operators) operators_[op.name] = &op;
  }

  Result<CompiledZones> run() {
    CompiledZones out;
    for (const auto& site : sites_) {
      for (const auto& cert : site.certs) {
        const auto end = end_of(cert.until);
        if (!end.ok()) {
          return invalid("site " + quoted(site.name) + ": cert " + quoted(cert.name) + ": " + end.error().message);
        }
        if (*end > second_) out.good_until = std::min(out.good_until, *end);
      }
    }
    for (std::size_t i = 0; i < inventory_.zones.size(); ++i) {
      const auto& name = inventory_.zones[i].name;
      if (!index_.emplace(name, i).second) return invalid("zone \"" + name + "\" is defined twice: remove one");
    }
    for (std::size_t i = 0; i < inventory_.zones.size(); ++i) AIGRID_CHECK_OK(visit(i));
    out.zones = std::move(compiled_);
    return out;
  }

 private:
  enum class State : std::uint8_t { New, Open, Closed };

  Result<void> visit(std::size_t i) {
    const auto& zone = inventory_.zones[i];
    if (state_[i] == State::Closed) return {};
    path_.push_back(zone.name);
    if (state_[i] == State::Open) return invalid(cycle(zone.name));
    if (path_.size() > kMaxDepth) return invalid("zone \"" + path_.front() + "\" is nested deeper than 64: flatten it");
    state_[i] = State::Open;
    if (zone.jurisdictions.empty() && zone.include.empty()) {
      return invalid("zone \"" + zone.name +
                     "\" is empty: rule jurisdictions: list at least one jurisdiction or include a zone");
    }
    for (const auto& name : zone.include) AIGRID_CHECK_OK(follow(zone, "include", name));
    for (const auto& name : zone.exclude) AIGRID_CHECK_OK(follow(zone, "exclude", name));
    for (const auto& name : zone.intersect) AIGRID_CHECK_OK(follow(zone, "intersect", name));
    fill(zone, compiled_[i]);
    state_[i] = State::Closed;
    path_.pop_back();
    return {};
  }

  Result<void> follow(const grid::Zone& zone, const char* rule, const std::string& name) {
    const auto it = index_.find(name);
    if (it != index_.end()) return visit(it->second);
    std::vector<std::string> known;
    for (const auto& z : inventory_.zones) known.push_back(z.name);
    const std::string near = nearest_name(name, known);
    return invalid("zone \"" + zone.name + "\": rule " + rule + " names zone \"" + name + "\", which does not exist" +
                   (near.empty() ? ": define it or remove it" : ": did you mean \"" + near + "\"?"));
  }

  std::string cycle(const std::string& name) const {
    std::string text = "zone \"" + name + "\" is cyclic: rules include and exclude lead back to it: ";
    const auto from = std::find(path_.begin(), path_.end(), name);
    for (auto it = from; it != path_.end(); ++it) text += (it == from ? "" : " → ") + *it;
    return text + ": remove one of them";
  }

  void fill(const grid::Zone& zone, ZoneSites& out) const {
    const bool asks = asks_attributes(zone);
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const auto index = static_cast<SiteIndex>(s);
      Match m = place(zone, index);
      if (asks && m != Match::No) {
        const auto op = operators_.find(sites_[s].operator_name);
        judge_attributes(zone, sites_[s], op == operators_.end() ? nullptr : op->second, second_,
                         [&m](const Judged& j) { m = both(m, j.match); });
      }
      if (m == Match::Yes) out.certain.insert(index);
      if (m != Match::No) out.possible.insert(index);
    }
  }

  Match of(const std::string& zone, SiteIndex site) const {
    const ZoneSites& z = compiled_[index_.at(zone)];
    if (z.certain.contains(site)) return Match::Yes;
    return z.possible.contains(site) ? Match::Unknown : Match::No;
  }

  Match place(const grid::Zone& zone, SiteIndex site) const {
    Match m = Match::No;
    for (const auto& j : zone.jurisdictions) m = either(m, in_jurisdiction(j, sites_[site].jurisdiction));
    for (const auto& name : zone.include) m = either(m, of(name, site));
    for (const auto& name : zone.intersect) m = both(m, of(name, site));
    for (const auto& name : zone.exclude) m = both(m, opposite(of(name, site)));
    return m;
  }

  static constexpr std::size_t kMaxDepth = 64;
  const grid::Inventory& inventory_;
  const std::vector<grid::Site>& sites_;
  std::int64_t second_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, const grid::Operator*> operators_;
  std::vector<ZoneSites> compiled_;
  std::vector<State> state_;
  std::vector<std::string> path_;
};

// Judges one site against zones, each once: zones may share others many times over.
class Judge {
 public:
  Judge(const grid::Inventory& inventory, const grid::Site& site, std::int64_t second)
      : inventory_(inventory), site_(site), op_(find_operator(inventory, site.operator_name)), second_(second) {}

  const Judged& zone(const std::string& name) {
    const auto known = judged_.find(name);
    if (known != judged_.end()) return known->second;
    judged_[name] = {Match::No, "zone " + quoted(name), "which does not exist"};
    const grid::Zone* z = find_zone(inventory_, name);
    if (z == nullptr) return judged_[name];
    Judged worst = place(*z);
    judge_attributes(*z, site_, op_, second_, [&worst](const Judged& j) {
      if (j.match < worst.match) worst = j;
    });
    return judged_[name] = std::move(worst);
  }

 private:
  Judged place(const grid::Zone& z) {
    Judged best{Match::No, "jurisdiction", site_.jurisdiction};
    for (const auto& j : z.jurisdictions) best.match = either(best.match, in_jurisdiction(j, site_.jurisdiction));
    for (const auto& name : z.include) {
      if (zone(name).match > best.match) best = zone(name);
    }
    for (const auto& name : z.intersect) {
      if (zone(name).match < best.match) best = zone(name);
    }
    for (const auto& name : z.exclude) {
      Judged j = zone(name);
      j.match = opposite(j.match);
      if (j.match == Match::No) j = {Match::No, "zone " + quoted(name), "excluded"};
      if (j.match < best.match) best = std::move(j);
    }
    return best;
  }

  const grid::Inventory& inventory_;
  const grid::Site& site_;
  const grid::Operator* op_;
  std::int64_t second_;
  std::map<std::string, Judged> judged_;
};

// Cells that a zone may reach at most (`outer`), or has for certain.
void collect(const grid::Inventory& inventory, const std::string& name, std::set<std::string>& cells,
             std::set<std::string>& seen) {
  const grid::Zone* zone = find_zone(inventory, name);
  if (zone == nullptr || !seen.insert(name).second) return;
  cells.insert(zone->jurisdictions.begin(), zone->jurisdictions.end());
  for (const auto& other : zone->include) collect(inventory, other, cells, seen);
}

bool only_places(const grid::Inventory& inventory, const std::string& name, std::set<std::string>& seen) {
  const grid::Zone* zone = find_zone(inventory, name);
  if (zone == nullptr) return false;
  if (!seen.insert(name).second) return true;
  return !asks_attributes(*zone) && zone->exclude.empty() && zone->intersect.empty() &&
         std::all_of(zone->include.begin(), zone->include.end(),
                     [&](const std::string& other) { return only_places(inventory, other, seen); });
}

}  // namespace

Result<CompiledZones> compile_zones(const grid::Inventory& inventory, const std::vector<grid::Site>& sites,
                                    std::int64_t second) {
  return Compiler(inventory, sites, second).run();
}

Gap zone_gap(const grid::Inventory& inventory, const std::string& zone, const grid::Site& site, std::int64_t second) {
  Judge judge(inventory, site, second);
  const Judged worst = judge.zone(zone);
  if (worst.match == Match::Yes) return {};
  Gap gap;
  gap.unknown = worst.match == Match::Unknown;
  gap.text = "site " + quoted(site.name);
  if (worst.got.empty()) {
    gap.text += " states no " + worst.what;
  } else if (gap.unknown && !worst.got.starts_with("expired ")) {
    gap.text += " does not state its " + worst.what + " closely enough (" + worst.got + ")";
  } else {
    gap.text += " has " + worst.what + " " + worst.got;
  }
  return gap;
}

bool cells_within(const grid::Inventory& inventory, const std::string& inner, const std::string& outer) {
  std::set<std::string> seen;
  if (!only_places(inventory, outer, seen)) return false;
  std::set<std::string> small;
  std::set<std::string> large;
  std::set<std::string> walked;
  collect(inventory, inner, small, walked);
  walked.clear();
  collect(inventory, outer, large, walked);
  return !small.empty() && std::all_of(small.begin(), small.end(), [&](const std::string& cell) {
    return std::any_of(large.begin(), large.end(), [&](const std::string& whole) { return covers(whole, cell); });
  });
}

}  // namespace aigrid::policy
