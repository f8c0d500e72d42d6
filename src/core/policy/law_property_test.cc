// The laws of the law: nothing that is added to a request, forbidden, forgotten or let expire opens a site; the same
// inputs give the same answer in whatever order they come.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "core/policy/residency.h"

namespace aigrid::policy {
namespace {

constexpr std::int64_t kDay = 86400;
const std::vector<std::string> kRegimes{"a", "b", "c"};
const std::vector<std::string> kDates{"", "1970-01-01", "1970-01-03"};

int below(int n) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, n)); }
std::string any(const std::vector<std::string>& from) {
  return from[static_cast<std::size_t>(below(int(from.size())))];
}

std::vector<std::string> some(const std::vector<std::string>& from) {
  std::vector<std::string> out;
  for (const auto& one : from) {
    if (below(2) != 0) out.push_back(one);
  }
  return out;
}

std::string zone_name(int count) { return "zone" + std::to_string(below(count)); }

grid::Clause clause(bool permit, bool platform) {
  grid::Clause c;
  c.actions = {any({"process", "cache", "route"})};
  if (below(2) != 0) c.actions.push_back(any({"terminate", "admin"}));
  c.zone = platform && below(4) == 0 ? "*" : zone_name(4);
  c.data_level = below(6) - 1;
  c.regimes = some(kRegimes);
  if (permit) c.until = any(kDates);
  return c;
}

grid::Policy random_policy(int n) {
  grid::Policy p;
  p.name = "policy" + std::to_string(n);
  p.level = any({"platform", "operator", "tenant"});
  if (p.level == "operator") p.operators = {any({"op0", "op1"})};
  const bool platform = p.level == "platform";
  for (int k = 1 + below(2); k > 0; --k) p.permit.push_back(clause(true, platform));
  for (int k = below(2); k > 0; --k) p.forbid.push_back(clause(false, platform));
  if (platform && below(2) != 0) {
    auto c = clause(true, false);
    c.from = zone_name(4);
    c.mechanism = "scc";
    p.transfer.push_back(c);
  }
  return p;
}

grid::Inventory generate() {
  grid::Inventory i;
  i.operators = {{"op0", "", {"AA"}}, {"op1", "", {"BB"}}};
  for (int n = 0, count = 1 + below(6); n < count; ++n) {
    grid::Site s;
    s.name = "site" + std::to_string(n);
    s.operator_name = any({"op0", "op1", ""});
    s.jurisdiction = any({"AA", "BB", "AA-X", ""});
    s.seal = below(4) - 1;
    s.staff = some({"AA", "BB"});
    s.tenancy = any({"", "shared", "dedicated"});
    if (below(2) != 0) s.certs = {{"c", any(kDates)}};
    i.sites.push_back(s);
  }
  for (int n = 0; n < 4; ++n) {
    grid::Zone z{"zone" + std::to_string(n), {any({"AA", "BB", "AA-X"})}, {}, {}, {}, {}};
    if (below(3) == 0) z.certs = {"c"};
    if (below(3) == 0) z.seal_min = 2;
    if (below(3) == 0) z.staff_within = {"AA"};
    if (below(3) == 0) z.tenancy = {"dedicated"};
    if (n > 0 && below(3) == 0) z.exclude = {"zone0"};
    if (n > 0 && below(3) == 0) z.include = {"zone0"};
    i.zones.push_back(z);
  }
  grid::Tenant t;
  t.name = "t";
  t.home = below(3) == 0 ? "" : zone_name(4);
  i.tenants = {t};
  for (int n = 0, count = below(5); n < count; ++n) i.policies.push_back(random_policy(n));
  return i;
}

struct Question {
  std::uint32_t level = 0;
  std::vector<std::string> regimes;
  std::int64_t second = 0;
};

SiteSet answer(const grid::Inventory& i, const Question& q, Action action) {
  const auto r = Residency::compile(i);
  RC_ASSERT(r.ok());
  Subject subject;
  subject.tenant = "t";
  subject.data_level = q.level;
  subject.regimes = &q.regimes;
  subject.second = q.second;
  return *r->allowed(subject, action);
}

bool within(SiteSet part, const SiteSet& whole) { return part.subtract(whole).empty(); }

Question question() { return {static_cast<std::uint32_t>(below(5)), some(kRegimes), below(4) * kDay}; }
Action action() { return static_cast<Action>(below(int(grid::kActions))); }

TEST(LawProperty, MoreSensitiveDataGoesNowhereNew) {
  EXPECT_TRUE(rc::check("a higher level, a further regime, a later second only narrow", [] {
    const auto i = generate();
    const auto q = question();
    auto more = q;
    more.level = std::min(4U, q.level + static_cast<std::uint32_t>(below(3)));
    for (const auto& r : some(kRegimes)) more.regimes.push_back(r);
    const Action a = action();
    RC_ASSERT(within(answer(i, more, a), answer(i, q, a)));
    more = q;
    more.regimes.emplace_back("nobody's");
    RC_ASSERT(within(answer(i, more, a), answer(i, q, a)));
  }));
}

TEST(LawProperty, TimeOpensNothing) {
  EXPECT_TRUE(rc::check("what is allowed tomorrow was allowed today", [] {
    const auto i = generate();
    const auto q = question();
    auto later = q;
    later.second += kDay * (1 + below(3));
    const Action a = action();
    RC_ASSERT(within(answer(i, later, a), answer(i, q, a)));
  }));
}

TEST(LawProperty, AForbidOrALevelThatSpeaksOnlyNarrows) {
  EXPECT_TRUE(rc::check("adding a forbid, or the first permits of a level below the platform, only narrows", [] {
    const auto i = generate();
    const auto q = question();
    const Action a = action();
    auto stricter = i;
    grid::Policy p;
    p.name = "zz";
    p.level = "platform";
    p.forbid = {clause(false, true)};
    stricter.policies.push_back(p);
    RC_ASSERT(within(answer(stricter, q, a), answer(i, q, a)));
    auto spoken = i;
    std::erase_if(spoken.policies, [](const grid::Policy& o) { return o.level == "tenant"; });
    const auto before = answer(spoken, q, a);
    p.level = "tenant";
    p.forbid.clear();
    p.permit = {clause(true, false)};
    spoken.policies.push_back(p);
    RC_ASSERT(within(answer(spoken, q, a), before));
  }));
}

TEST(LawProperty, AForgottenAttributeOnlyNarrows) {
  EXPECT_TRUE(rc::check("dropping what a site states only narrows", [] {
    const auto i = generate();
    const auto q = question();
    const Action a = action();
    auto less = i;
    auto& s = less.sites[static_cast<std::size_t>(below(int(less.sites.size())))];
    switch (below(6)) {
      case 0: s.certs.clear(); break;
      case 1: s.seal = -1; break;
      case 2: s.staff.clear(); break;
      case 3: s.tenancy.clear(); break;
      case 4: s.jurisdiction.clear(); break;
      default: s.operator_name.clear(); break;
    }
    RC_ASSERT(within(answer(less, q, a), answer(i, q, a)));
  }));
}

TEST(LawProperty, TheOrderOfListsDoesNotMatter) {
  EXPECT_TRUE(rc::check("reversed lists give the same answer, and so does compiling at the second that is asked", [] {
    const auto i = generate();
    const auto q = question();
    const Action a = action();
    auto reversed = i;
    std::reverse(reversed.sites.begin(), reversed.sites.end());
    std::reverse(reversed.zones.begin(), reversed.zones.end());
    std::reverse(reversed.policies.begin(), reversed.policies.end());
    for (auto& p : reversed.policies) std::reverse(p.permit.begin(), p.permit.end());
    RC_ASSERT(answer(reversed, q, a) == answer(i, q, a));
    const auto then = Residency::compile(i, q.second);
    Subject subject;
    subject.tenant = "t";
    subject.data_level = q.level;
    subject.regimes = &q.regimes;
    RC_ASSERT(*then->allowed(subject, a) == answer(i, q, a));
  }));
}

}  // namespace
}  // namespace aigrid::policy
