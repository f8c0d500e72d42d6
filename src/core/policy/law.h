// Law: the policies of one bundle at one second, compiled to site sets per (level, action, class). For one kind of
// subject (a profile: the policies that bind it, its home) the rules of equal level, action and class are merged, so
// that evaluation is a short loop over bit sets, whatever the number of policies, and allocates nothing.
//
//   allowed(action, class) = ⋂ over levels ( ⋃ permits \ ⋃ forbids )
//
// A level without permits for the action adds nothing but its forbids; the platform is never silent: without a permit
// it allows the home zone up to the ordinary class, and nothing above. A permit that has expired, or whose class is
// below the request's, still speaks: it permits nothing. An expired forbid does not exist: it stays until removed.
// Immutable once compiled, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/sensitivity.h"
#include "core/policy/zones.h"

namespace aigrid::policy {

using grid::Action;
using grid::Level;
using ProfileIndex = std::uint32_t;

// The actions at the place where an engine runs: what bounds by `zone:` (the short form) are about.
inline constexpr std::array<Action, 2> kExecution = {Action::Process, Action::Cache};
constexpr bool executes(Action a) { return a == Action::Process || a == Action::Cache; }

class Law {
 public:
  // `sites` sorted by name give the indices; both outlive the call only.
  static Result<Law> compile(const grid::Inventory& inventory, const std::vector<grid::Site>& sites,
                             std::int64_t second);

  // Who asks, as far as policies tell them apart. `project` and `model` may be empty.
  struct Who {
    std::string_view tenant;
    std::string_view project;
    std::string_view model;
  };
  // Of a tenant and project there are; the caller has looked them up.
  ProfileIndex profile(const Who& who) const;
  SiteSet allowed(ProfileIndex profile, Action action, const Sensitivity& data) const;

  // Bit of a regime; kUnknownRegime when nobody names it.
  std::uint64_t regime(std::string_view name) const;
  std::uint64_t regimes(const std::vector<std::string>& names) const;

  std::int64_t second() const { return second_; }
  std::int64_t good_until() const { return good_until_; }
  const SiteSet& everywhere() const { return everywhere_; }
  // By zone name; null: there is none. `*` is everywhere.
  const ZoneSites* zone(std::string_view name) const;
  const std::map<std::string, ZoneSites, std::less<>>& zones() const { return zones_; }

 private:
  friend class LawCompiler;
  enum class Part : std::uint8_t { Permit, Forbid };
  // Rules of one level and class, merged.
  struct Bucket {
    Level level = Level::Platform;
    Part part = Part::Permit;
    bool speaks = true;         // a permit that replaces the default of its level; a transfer only adds
    std::uint32_t upto = 0;     // Permit: the highest level it covers; Forbid: the lowest it is for
    std::uint64_t regimes = 0;  // Permit: covered; Forbid: any of them (0: always)
    std::uint32_t sites = 0;    // in pool_
    std::uint32_t spoken = 0;   // in pool_: the sites it speaks about (operators speak for their own)
  };
  struct Profile {
    std::array<std::vector<Bucket>, grid::kActions> actions;
    std::uint32_t home = 0;  // in pool_
  };

  std::int64_t second_ = 0;
  std::int64_t good_until_ = kNoEnd;
  SiteSet everywhere_;
  std::map<std::string, ZoneSites, std::less<>> zones_;
  std::vector<std::string> regimes_;  // sorted
  std::vector<SiteSet> pool_;         // 0: empty, 1: everywhere
  std::vector<Profile> profiles_;
  // tenant "/" project → account; (account, model) → profile. Models no policy tells apart are model 0.
  std::map<std::string, std::uint32_t, std::less<>> accounts_;
  std::map<std::string, std::uint32_t, std::less<>> models_;
  std::vector<ProfileIndex> profile_of_;  // account × (models_.size() + 1)
};

// The levels' names of a policy: as written, else by whom it names. InvalidArgument: what it says and what it may say.
Result<Level> level_of(const grid::Policy& policy, const grid::Inventory& inventory);
// InvalidArgument: a clause that cannot be meant, named as `policy "p": forbid 0: …`.
Result<void> check_clauses(const grid::Policy& policy, Level level);
bool binds(const grid::Policy& policy, const Law::Who& who);
bool speaks_of(const grid::Clause& clause, Action action);

}  // namespace aigrid::policy
