#include <algorithm>
#include <map>

#include "base/nearest_name.h"
#include "core/policy/residency.h"

namespace aigrid::policy {
namespace {

// Three-valued: what is unstated is neither.
enum class Match : std::uint8_t { No, Unknown, Yes };

Match both(Match a, Match b) { return std::min(a, b); }
Match either(Match a, Match b) { return std::max(a, b); }

Match in_jurisdiction(const std::string& listed, const std::string& cell) {
  if (cell.empty()) return Match::Unknown;
  if (cell == listed) return Match::Yes;
  const auto inside = [](const std::string& part, const std::string& whole) {
    return part.size() > whole.size() + 1 && part[whole.size()] == '-' && part.starts_with(whole);
  };
  if (inside(cell, listed)) return Match::Yes;
  return inside(listed, cell) ? Match::Unknown : Match::No;
}

class Compiler {
 public:
  Compiler(const grid::Inventory& inventory, const std::vector<grid::Site>& sites)
      : inventory_(inventory), sites_(sites), compiled_(inventory.zones.size()), state_(inventory.zones.size()) {
    for (const auto& op : inventory.operators) operators_[op.name] = &op;
  }

  Result<std::vector<ZoneSites>> run() {
    for (std::size_t i = 0; i < inventory_.zones.size(); ++i) {
      const auto& name = inventory_.zones[i].name;
      if (!index_.emplace(name, i).second) return invalid("zone \"" + name + "\" is defined twice: remove one");
    }
    for (std::size_t i = 0; i < inventory_.zones.size(); ++i) AIGRID_CHECK_OK(visit(i));
    return std::move(compiled_);
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
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const auto index = static_cast<SiteIndex>(s);
      const Match m = both(both(place(zone, index), attributes(zone, sites_[s])), control(zone, sites_[s]));
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
    for (const auto& name : zone.exclude) {
      const Match cut = of(name, site);
      m = both(m, cut == Match::Yes ? Match::No : cut == Match::No ? Match::Yes : Match::Unknown);
    }
    return m;
  }

  static Match attributes(const grid::Zone& zone, const grid::Site& site) {
    Match m = Match::Yes;
    for (const auto& [name, value] : zone.require) {
      const auto it = site.attributes.find(name);
      m = both(m, it == site.attributes.end() ? Match::Unknown : it->second == value ? Match::Yes : Match::No);
    }
    return m;
  }

  // An operator that states no jurisdiction reaching it has not said whose law it obeys.
  Match control(const grid::Zone& zone, const grid::Site& site) const {
    if (zone.control_within.empty()) return Match::Yes;
    const auto it = operators_.find(site.operator_name);
    if (it == operators_.end() || it->second->control.empty()) return Match::Unknown;
    Match m = Match::Yes;
    for (const auto& reach : it->second->control) {
      Match within = Match::No;
      for (const auto& allowed : zone.control_within) within = either(within, in_jurisdiction(allowed, reach));
      m = both(m, within);
    }
    return m;
  }

  static constexpr std::size_t kMaxDepth = 64;
  const grid::Inventory& inventory_;
  const std::vector<grid::Site>& sites_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, const grid::Operator*> operators_;
  std::vector<ZoneSites> compiled_;
  std::vector<State> state_;
  std::vector<std::string> path_;
};

}  // namespace

Result<std::vector<ZoneSites>> compile_zones(const grid::Inventory& inventory, const std::vector<grid::Site>& sites) {
  return Compiler(inventory, sites).run();
}

}  // namespace aigrid::policy
