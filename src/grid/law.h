// Where data may go: zones, classes of data and policies. Plain values, any thread. Semantics: core/policy.
// Dates are texts as written: 2027-03-01 (to the end of that day, UTC) or 2027-03-01T12:00:00Z.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace aigrid::grid {

// A named, finite set of sites: those of the listed jurisdictions (and of the included zones), that are in every zone
// of `intersect` and in none of `exclude`, and have every attribute asked for. An unknown attribute does not match.
struct Zone {
  std::string name;
  std::vector<std::string> jurisdictions;
  std::vector<std::string> include;             // other zones
  std::vector<std::string> exclude;             // other zones
  std::map<std::string, std::string> require;   // site attributes
  std::vector<std::string> control_within;      // operator's control must be a subset of these; empty: any
  std::vector<std::string> intersect{};         // other zones, all of which must hold
  std::vector<std::string> staff_within{};      // cells from which its admins act
  std::vector<std::string> telemetry_within{};  // cells it reports to
  std::int32_t seal_min = 0;                    // 0: any
  std::vector<std::string> certs{};             // every one stated and not expired
  std::vector<std::string> attest{};            // one of these
  std::vector<std::string> tenancy{};           // one of these
  std::vector<std::string> operators{};         // one of these
};

// What is done with data at a place. The words are those of YAML.
enum class Action : std::uint8_t { Terminate, Route, Process, Cache, Persist, LogMeta, LogContent, Telemetry, Admin };
inline constexpr std::size_t kActions = 9;
inline constexpr std::array<std::string_view, kActions> kActionNames = {
    "terminate", "route", "process", "cache", "persist", "log-meta", "log-content", "telemetry", "admin"};
inline std::string_view to_string(Action action) { return kActionNames[static_cast<std::size_t>(action)]; }

// Who speaks, widest first. Key and Request only bound: they have no policies.
enum class Level : std::uint8_t { Platform, Operator, Tenant, Project, Key, Request };
inline constexpr std::array<std::string_view, 6> kLevelNames = {"platform", "operator", "tenant",
                                                                "project",  "key",      "request"};
inline std::string_view to_string(Level level) { return kLevelNames[static_cast<std::size_t>(level)]; }

// How sensitive data is. Levels: 0 public, 1 ordinary, 2 confidential, 3 sensitive, 4 secret. Only ever raised.
inline constexpr std::uint32_t kTopDataLevel = 4;
inline constexpr std::uint32_t kOrdinaryLevel = 1;

// One permit, forbid or cross-border transfer of a policy.
struct Clause {
  std::vector<std::string> actions;    // kActionNames, or "*" (platform only)
  std::string zone;                    // or "*" (platform only): every site
  std::int32_t data_level = -1;        // permit: up to it (-1: ordinary); forbid: from it on (-1: always)
  std::vector<std::string> regimes{};  // permit: which it covers; forbid: it holds for any of them (none: always)
  std::string until{};                 // a forbid has none: it stays until it is removed
  std::string from{};                  // transfer: the zone whose data may go
  std::string mechanism{};             // transfer: adequacy | scc | consent | contract
};

// A question with its answer: what `aigrid policy test` checks. It describes one site.
struct PolicyExample {
  std::string name;
  std::string action;
  std::string expect;  // allowed | denied
  std::string because{};
  std::string on{};    // date; empty: the day of the test
  std::string home{};  // the tenant's home zone
  std::int32_t data_level = 1;
  std::vector<std::string> regimes{};
  std::string jurisdiction{};
  std::vector<std::string> control{};
  std::vector<std::string> staff{};
  std::vector<std::string> telemetry{};
  std::int32_t seal = -1;
  std::vector<std::string> certs{};
  std::string attest{};
  std::string tenancy{};
};

// Policy::on_change: what becomes of requests under way where a change of the law forbids them.
inline constexpr std::string_view kCut = "cut";
inline constexpr std::string_view kDrain = "drain";

// Applies to the tenants or projects it names (empty: to all). Short form: `zone` bounds where their requests may
// execute. Full form: permits, forbids and transfers, each for named actions.
struct Policy {
  std::string name;
  std::vector<std::string> tenants;
  std::vector<std::string> models;
  std::string zone;
  std::string level{};                   // platform | operator | tenant | project; empty: by whom it names
  std::vector<std::string> operators{};  // level operator: whose sites it speaks for
  std::vector<Clause> permit{};
  std::vector<Clause> forbid{};
  std::vector<Clause> transfer{};
  std::vector<PolicyExample> examples{};
  std::string on_change{};  // cut | drain; empty: cut
};

}  // namespace aigrid::grid
