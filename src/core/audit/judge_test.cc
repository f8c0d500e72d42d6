#include "core/audit/judge.h"

#include <gtest/gtest.h>

#include "core/ledger/rating.h"

namespace aigrid::audit {
namespace {

constexpr std::int64_t kLastDay = 1'798'761'600'000;  // 2027-01-01T00:00:00Z in ms: `until: 2026-12-31` has passed
const std::string kHash(32, 'h');

// Tenant t is at home in FR; until the end of 2026 its requests may also go to CH.
grid::Inventory inventory() {
  grid::Inventory g;
  grid::Operator op;
  op.name = "op";
  g.operators = {op};
  for (const char* country : {"CH", "FR"}) {
    grid::Site site;
    site.name = std::string("site-") + country;
    site.operator_name = "op";
    site.country = site.jurisdiction = country;
    g.sites.push_back(site);
    grid::Zone zone;
    zone.name = country;
    zone.jurisdictions = {country};
    g.zones.push_back(zone);
  }
  grid::Policy policy;
  policy.name = "adequacy";
  policy.permit = {{{"terminate", "route", "process", "cache", "log-meta"}, "FR"}};
  policy.transfer = {
      {{"terminate", "route", "process", "cache", "log-meta"}, "CH", -1, {}, "2026-12-31", "FR", "adequacy"}};
  g.policies = {policy};
  grid::Tenant tenant;
  tenant.name = "t";
  tenant.home = "FR";
  tenant.price_book = "list";
  g.tenants = {tenant};
  grid::Model model;
  model.name = "m";
  g.models = {model};
  g.price_books = {{"list", "EUR", {{"m", 3, 7}}}};
  return g;
}

grid::RequestLeaf leaf(std::int64_t received_ms, const std::string& site) {
  grid::RequestLeaf r;
  r.tenant = "t";
  r.model = "m";
  r.bundle_hash = kHash;
  r.received_unix_ms = received_ms;
  r.route = {{"terminate", "g", "site-FR"}, {"process", "n", site}, {"log", "g", "site-FR"}};
  r.outcome = grid::Outcome::Finished;
  r.attempts = {{1, site, "n", "ok", 0, 100, 10, 10, false, false}};
  r.price_book = "list";
  r.input_nano = 3;
  r.output_nano = 7;
  r.charge_nano = 370;
  return r;
}

std::string judged(const grid::RequestLeaf& r) {
  auto law = Law::compile(inventory());
  EXPECT_TRUE(law.ok()) << law.error().message;
  bool unjudged = false;
  const Laws laws{{kHash, *law}};
  std::string wrong = Judge(laws).judge(r, unjudged);
  EXPECT_FALSE(unjudged);
  return wrong;
}

TEST(Judge, AtTheSecondAtWhichItWent) {
  EXPECT_EQ(judged(leaf(kLastDay - 1000, "site-CH")), "");
  EXPECT_NE(judged(leaf(kLastDay, "site-CH")).find("went to site-CH, where it may not"), std::string::npos);
  EXPECT_EQ(judged(leaf(kLastDay, "site-FR")), "");
  // Admitted in time, tried again too late.
  auto late = leaf(kLastDay - 1000, "site-FR");
  late.attempts.insert(late.attempts.begin(), {1, "site-FR", "n", "node lost", 0, 0, 0, 0, false, false});
  late.attempts[1] = {2, "site-CH", "n", "ok", 2'000'000, 100, 10, 10, false, false};
  late.route[1].site = "site-CH";
  EXPECT_NE(judged(late).find("attempt 2 of tenant t went to site-CH"), std::string::npos) << judged(late);
}

TEST(Judge, EveryStepOfTheRoute) {
  for (std::size_t step : {0U, 2U}) {
    auto r = leaf(kLastDay, "site-FR");
    r.route[step].site = "site-CH";
    EXPECT_NE(judged(r).find("came in at site-CH"), std::string::npos) << judged(r);
  }
  auto relayed = leaf(kLastDay, "site-FR");
  relayed.route.push_back({"relay", "g2", "site-CH"});
  EXPECT_NE(judged(relayed).find("passed through site-CH"), std::string::npos);
  relayed.received_unix_ms = kLastDay - 1000;
  EXPECT_EQ(judged(relayed), "");
  auto unknown = leaf(kLastDay, "site-FR");
  unknown.route.push_back({"train", "g2", "site-FR"});
  EXPECT_NE(judged(unknown), "");
}

// What the ledger waives, the judge waives: the answer that went on elsewhere is one bill.
TEST(Judge, ChargeFollowsFromTheAttempts) {
  auto resumed = leaf(kLastDay, "site-FR");
  resumed.attempts = {{1, "site-FR", "n", "node lost", 0, 100, 4, 4, false, false},
                      {2, "site-FR", "o", "ok", 900, 104, 6, 6, false, true}};
  resumed.charge_nano = 3 * 100 + 7 * 10;
  EXPECT_EQ(judged(resumed), "");
  resumed.charge_nano += 3 * 104;
  EXPECT_NE(judged(resumed).find("its attempts make 370"), std::string::npos) << judged(resumed);
  auto failed = leaf(kLastDay, "site-FR");
  failed.outcome = grid::Outcome::Failed;
  EXPECT_NE(judged(failed).find("its attempts make 0"), std::string::npos);
  auto unpriced = leaf(kLastDay, "site-FR");
  unpriced.price_book.clear();
  unpriced.input_nano = unpriced.output_nano = unpriced.charge_nano = 0;
  EXPECT_NE(judged(unpriced).find("its tenant's is \"list\""), std::string::npos);
}

TEST(Judge, LaterBundlesCountAndMissingOnesAreSaid) {
  auto r = leaf(kLastDay, "site-CH");
  auto wider = inventory();
  wider.policies[0].transfer[0].until = "2030-12-31";
  const auto narrow = Law::compile(inventory());
  const auto wide = Law::compile(wider);
  const std::string later(32, 'l');
  r.later_bundles = {later};
  bool unjudged = false;
  const Laws both{{kHash, *narrow}, {later, *wide}};
  EXPECT_EQ(Judge(both).judge(r, unjudged), "");
  EXPECT_FALSE(unjudged);
  const Laws first{{kHash, *narrow}};
  EXPECT_EQ(Judge(first).judge(r, unjudged), "");
  EXPECT_TRUE(unjudged);
}

}  // namespace
}  // namespace aigrid::audit
