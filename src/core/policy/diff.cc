#include "core/policy/diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/policy/diff_probes.h"
#include "core/policy/diff_side.h"

namespace aigrid::policy {
namespace {

using Names = std::set<std::string>;

bool same_move(const Shift& a, const Shift& b) {
  return a.gained == b.gained && a.lost == b.lost && a.from_level == b.from_level && a.to_level == b.to_level;
}

class Comparison {
 public:
  Comparison(const grid::Inventory& before, const grid::Inventory& after)
      : in_before_(before),
        in_after_(after),
        before_(before, true),
        after_(after, false),
        regimes_(probed_regimes(before, after)),
        models_(probed_models(before, after)) {
    Names sites;
    std::set<std::pair<std::string, std::string>> accounts;
    for (const auto* side : {&before, &after}) {
      for (const auto& s : side->sites) sites.insert(s.name);
      for (const auto& t : side->tenants) accounts.emplace(t.name, "");
      for (const auto& p : side->projects) accounts.emplace(p.tenant, p.name);
      for (const auto& k : side->keys) keys_.insert(k.kid);
      for (const auto& z : side->zones) zones_.insert(z.name);
    }
    for (const auto& zone : only_cutting_zones(before, after)) zones_.erase(zone);
    sites_.assign(sites.begin(), sites.end());
    same_sites_ = before.sites.size() == sites.size() && after.sites.size() == sites.size();
    for (const auto& [tenant, project] : accounts) parties_.push_back({tenant, project, ""});
  }

  Result<std::vector<Shift>> run(std::int64_t second, bool keys_alone) {
    for (const auto now : probed_seconds(in_before_, in_after_, second)) {
      AIGRID_CHECK_OK(before_.compile(in_before_, now));
      AIGRID_CHECK_OK(after_.compile(in_after_, now));
      since_ = now == second ? 0 : now;
      by_footing_.clear();
      for (const auto& kid : keys_) compare({owner(kid).tenant, owner(kid).project, kid});
      if (keys_alone) continue;
      for (const auto& party : parties_) compare(party);
      compare_zones();
      compare_hosts();
    }
    return std::move(out_);
  }

 private:
  const grid::ApiKey& owner(const std::string& kid) const {
    const auto found = after_.keys().find(kid);
    return found != after_.keys().end() ? *found->second : *before_.keys().at(kid);
  }

  // Actions that move alike are one.
  std::vector<Shift> moves(const Party& party, const std::string& model) const {
    std::vector<Shift> found;
    for (std::size_t a = 0; a < grid::kActions; ++a) {
      Shift shift;
      shift.model = model;
      shift.actions = {static_cast<Action>(a)};
      shift.since = since_;
      fill(party, shift);
      const auto same = [&shift](const Shift& other) { return same_move(other, shift); };
      const auto like = std::find_if(found.begin(), found.end(), same);
      if (like != found.end()) {
        like->actions.push_back(shift.actions.front());
      } else if (shift.widens() || !shift.lost.empty()) {
        found.push_back(std::move(shift));
      }
    }
    return found;
  }

  std::vector<Shift> moves_of_footing(const Party& party, const std::string& model) {
    if (!party.key.empty()) return moves(party, model);
    const std::string footing = before_.footing(party, model) + "\n" + after_.footing(party, model) + "\n" + model;
    const auto known = by_footing_.find(footing);
    if (known != by_footing_.end()) return known->second;
    return by_footing_[footing] = moves(party, model);
  }

  void compare(const Party& party) {
    std::vector<Shift> general;  // of models that nothing tells apart
    for (const auto& model : models_) {
      std::vector<Shift> found = moves_of_footing(party, model);
      for (auto& shift : found) {
        shift.tenant = party.tenant;
        shift.project = party.project;
        shift.key = party.key;
      }
      if (model.empty()) general = found;
      for (auto& shift : found) {
        const bool said = !model.empty() && std::any_of(general.begin(), general.end(), [&shift](const Shift& g) {
          return same_move(g, shift) && g.actions == shift.actions;
        });
        if (!said) say(std::move(shift));
      }
    }
  }

  void fill(const Party& party, Shift& shift) const {
    Names gained;
    Names lost;
    bool first = true;
    for (std::uint32_t level = 0; level <= grid::kTopDataLevel; ++level) {
      for (const auto& regimes : regimes_) {
        const SiteSet was = before_.permitted(party, shift.model, shift.actions.front(), level, regimes);
        const SiteSet is = after_.permitted(party, shift.model, shift.actions.front(), level, regimes);
        if (!move(was, is, gained, lost)) continue;
        if (std::exchange(first, false)) shift.from_level = level;
        shift.to_level = level;
      }
    }
    shift.gained.assign(gained.begin(), gained.end());
    shift.lost.assign(lost.begin(), lost.end());
  }

  static bool holds(const Side& side, const SiteSet& set, const std::string& site) {
    const auto index = side.residency().find_site(site);
    return index && set.contains(*index);
  }
  bool move(const SiteSet& was, const SiteSet& is, Names& gained, Names& lost) const {
    if (same_sites_ ? was == is : was.empty() && is.empty()) return false;
    bool moved = false;
    for (const auto& site : sites_) {
      const bool had = holds(before_, was, site);
      if (had == holds(after_, is, site)) continue;
      moved = true;
      (had ? lost : gained).insert(site);
    }
    return moved;
  }

  // What keys and requests name: a zone that comes opens nothing, for who named it before was refused, but for keys.
  void compare_zones() {
    for (const auto& zone : zones_) {
      const SiteSet* was = before_.residency().zone(zone);
      const SiteSet* is = after_.residency().zone(zone);
      if (was == nullptr || is == nullptr) continue;
      Shift shift;
      shift.zone = zone;
      say_bound(std::move(shift), *was, *is);
    }
  }
  // A name without a zone bounds nothing.
  void compare_hosts() {
    for (const auto& [site, hosts] : before_.hosts()) {
      const auto now = after_.hosts().find(site);
      for (const auto& [host, zone] : *hosts) {
        const SiteSet* was = before_.residency().zone(zone);
        const SiteSet* is = &after_.residency().everywhere();
        if (now != after_.hosts().end()) {
          const auto named = now->second->find(host);
          if (named != now->second->end()) is = after_.residency().zone(named->second);
        }
        Shift shift;
        shift.host = "\"" + host + "\" at site \"" + site + "\"";
        say_bound(std::move(shift), was == nullptr ? SiteSet{} : *was, is == nullptr ? SiteSet{} : *is);
      }
    }
  }
  void say_bound(Shift shift, const SiteSet& was, const SiteSet& is) {
    Names gained;
    Names lost;
    if (!move(was, is, gained, lost)) return;
    shift.to_level = grid::kTopDataLevel;
    shift.since = since_;
    shift.gained.assign(gained.begin(), gained.end());
    shift.lost.assign(lost.begin(), lost.end());
    say(std::move(shift));
  }

  // Not again what goes on as it was already said of an earlier second.
  void say(Shift shift) {
    std::string subject = shift.tenant + "\n" + shift.project + "\n" + shift.key + "\n" + shift.zone + "\n" +
                          shift.host + "\n" + shift.model + "\n";
    for (const auto action : shift.actions) subject += grid::to_string(action);
    const auto [last, first] = said_.emplace(std::move(subject), out_.size());
    if (!first && same_move(out_[last->second], shift)) return;
    last->second = out_.size();
    out_.push_back(std::move(shift));
  }

  const grid::Inventory& in_before_;
  const grid::Inventory& in_after_;
  Side before_;
  Side after_;
  std::int64_t since_ = 0;
  std::vector<std::string> sites_;
  bool same_sites_ = false;  // and so the same indices
  std::vector<Party> parties_;
  Names keys_;
  Names zones_;
  std::vector<std::vector<std::string>> regimes_;
  Names models_;
  std::map<std::string, std::vector<Shift>> by_footing_;  // at this second
  std::map<std::string, std::size_t> said_;               // subject and actions → the last in out_
  std::vector<Shift> out_;
};

}  // namespace

Result<std::vector<Shift>> diff(const grid::Inventory& before, const grid::Inventory& after, std::int64_t second) {
  return Comparison(before, after).run(second, false);
}

Result<std::vector<Shift>> diff_keys(const grid::Inventory& before, const grid::Inventory& after, std::int64_t second) {
  return Comparison(before, after).run(second, true);
}

bool widens(const std::vector<Shift>& shifts) {
  return std::any_of(shifts.begin(), shifts.end(), [](const Shift& s) { return s.widens(); });
}

}  // namespace aigrid::policy
