#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "core/policy/residency.h"

namespace aigrid::policy {
namespace {

const std::vector<std::string> kCells{"AA", "BB", "CC", "AA-X", ""};

// Zones refer only to earlier ones, so every generated inventory compiles.
grid::Inventory generate() {
  grid::Inventory i;
  const auto pick = [](const std::vector<std::string>& from) { return *rc::gen::elementOf(from); };
  const auto some = [](int most) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, most + 1)); };
  for (int n = 0; n < 4; ++n) {
    grid::Operator op{"op" + std::to_string(n), "", {}};
    for (int k = some(2); k > 0; --k) op.control.push_back(pick({"AA", "BB", "AA-X"}));
    i.operators.push_back(op);
  }
  for (int n = 0, count = 1 + some(7); n < count; ++n) {
    grid::Site s;
    s.name = "site" + std::to_string(n);
    s.operator_name = "op" + std::to_string(some(5));
    s.jurisdiction = pick(kCells);
    for (const char* a : {"x", "y"}) {
      if (some(1) != 0) s.attributes[a] = pick({"0", "1"});
    }
    i.sites.push_back(s);
  }
  for (int n = 0, count = 1 + some(6); n < count; ++n) {
    grid::Zone z;
    z.name = "zone" + std::to_string(n);
    z.jurisdictions = {pick({"AA", "BB", "CC", "AA-X"})};
    if (some(1) != 0) z.jurisdictions.push_back(pick({"AA", "BB", "CC"}));
    for (int k = some(2); k > 0 && n > 0; --k) z.include.push_back("zone" + std::to_string(some(n - 1)));
    for (int k = some(1); k > 0 && n > 0; --k) z.exclude.push_back("zone" + std::to_string(some(n - 1)));
    if (some(2) == 0) z.require[pick({"x", "y"})] = pick({"0", "1"});
    if (some(2) == 0) z.control_within = {pick({"AA", "BB"})};
    i.zones.push_back(z);
  }
  grid::Policy anywhere;
  anywhere.name = "anywhere";
  anywhere.permit = {{{"*"}, "*"}};
  i.policies = {anywhere};
  i.tenants = {{"t", "", some(1) != 0 ? "zone0" : "", ""}};
  return i;
}

// The oracle: one site, one zone, one question; true when `hopeful` about what is unstated.
bool lies_in(const std::string& cell, const std::string& listed, bool hopeful) {
  if (cell.empty()) return hopeful;
  if (cell == listed) return true;
  if (cell == "AA-X" && listed == "AA") return true;
  return cell == "AA" && listed == "AA-X" && hopeful;
}

bool member(const grid::Inventory& i, const grid::Zone& z, const grid::Site& s, bool hopeful) {
  const auto named = [&](const std::string& name) -> const grid::Zone& {
    return *std::find_if(i.zones.begin(), i.zones.end(), [&](const grid::Zone& o) { return o.name == name; });
  };
  bool place = false;
  for (const auto& j : z.jurisdictions) place = place || lies_in(s.jurisdiction, j, hopeful);
  for (const auto& name : z.include) place = place || member(i, named(name), s, hopeful);
  for (const auto& name : z.exclude) place = place && !member(i, named(name), s, !hopeful);
  for (const auto& [a, v] : z.require) {
    place = place && (s.attributes.contains(a) ? s.attributes.at(a) == v : hopeful);
  }
  if (!place || z.control_within.empty()) return place;
  for (const auto& op : i.operators) {
    if (op.name != s.operator_name || op.control.empty()) continue;
    return std::all_of(op.control.begin(), op.control.end(), [&](const std::string& c) {
      return std::any_of(z.control_within.begin(), z.control_within.end(),
                         [&](const std::string& w) { return lies_in(c, w, hopeful); });
    });
  }
  return hopeful;
}

std::string any(const std::vector<grid::Zone>& zones) {
  return zones[*rc::gen::inRange<std::size_t>(0, zones.size())].name;
}

bool within(const SiteSet& inner, const SiteSet& outer) {
  SiteSet rest = inner;
  return rest.subtract(outer).empty();
}

TEST(ResidencyProperty, ZonesAgreeWithTheOracle) {
  EXPECT_TRUE(rc::check("compiled zones equal brute force", [] {
    const auto i = generate();
    const auto r = Residency::compile(i);
    RC_ASSERT(r.ok());
    for (const auto& z : i.zones) {
      for (const auto& s : i.sites)
        RC_ASSERT(r->zone(z.name)->contains(*r->find_site(s.name)) == member(i, z, s, false));
    }
  }));
}

TEST(ResidencyProperty, AddingALevelNeverEnlarges) {
  EXPECT_TRUE(rc::check("every further constraint only narrows", [] {
    auto i = generate();
    const auto r = Residency::compile(i);
    RC_ASSERT(r.ok());
    std::vector<std::string> zones;
    SiteSet last = r->permitted({.tenant = "t"})->sites;
    for (int k = *rc::gen::inRange(0, 4); k > 0; --k) {
      zones.push_back(any(i.zones));
      const auto p = r->permitted({.tenant = "t", .zones = &zones});
      RC_ASSERT(within(p->sites, last));
      last = p->sites;
    }
    i.policies.push_back({"p", {}, {}, any(i.zones)});
    const auto stricter = Residency::compile(i);
    RC_ASSERT(stricter.ok());
    RC_ASSERT(within(stricter->permitted({.tenant = "t", .zones = &zones})->sites, last));
  }));
}

TEST(ResidencyProperty, ForgettingAFactNeverEnlarges) {
  EXPECT_TRUE(rc::check("a dropped fact only narrows", [] {
    auto i = generate();
    const auto r = Residency::compile(i);
    auto& s = i.sites[*rc::gen::inRange<std::size_t>(0, i.sites.size())];
    switch (*rc::gen::inRange(0, 3)) {
      case 0: s.attributes.clear(); break;
      case 1: s.jurisdiction.clear(); break;
      default: s.operator_name = "nobody"; break;
    }
    const auto less = Residency::compile(i);
    RC_ASSERT(r.ok());
    RC_ASSERT(less.ok());
    for (const auto& z : i.zones) RC_ASSERT(within(*less->zone(z.name), *r->zone(z.name)));
  }));
}

TEST(ResidencyProperty, OrderOfTheListsDoesNotMatter) {
  EXPECT_TRUE(rc::check("reversed lists compile to the same sets", [] {
    auto i = generate();
    const auto r = Residency::compile(i);
    std::reverse(i.sites.begin(), i.sites.end());
    std::reverse(i.zones.begin(), i.zones.end());
    const auto q = Residency::compile(i);
    RC_ASSERT(q.ok());
    for (const auto& z : i.zones) RC_ASSERT(*q->zone(z.name) == *r->zone(z.name));
  }));
}

}  // namespace
}  // namespace aigrid::policy
