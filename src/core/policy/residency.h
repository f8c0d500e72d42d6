// Residency: where data may go and requests may run. Zones, accounts and policies of one bundle, compiled to site sets
// (law.h has the algebra); the ingress asks for the permitted sets, a site and a node ask whether they are in them.
// Immutable once compiled, any thread. A site's index is its rank by name, as in routing::Tables. Errors:
// InvalidArgument (a zone or policy that cannot be compiled), NotFound (an unknown name; the message has the nearest).
// Fails closed: an error permits nothing. Time is an argument, in seconds since 1970; it only moves on: a bundle
// compiled at a later second than asked answers for its own.
//
// Unknown is no: a site with an unstated attribute is in no zone that asks for it, and is cut by a zone excluded or
// forbidden for it. A jurisdiction covers its subdivisions (ISO 3166-2: `US` covers `US-CA`); a site known only as
// `US` is not in `US-CA`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/law.h"
#include "core/policy/site_set.h"
#include "grid/inventory.h"

namespace aigrid::policy {

// Who asks, for what, how sensitive it is, and what narrows further. `zones`: the request's, all of which must hold.
struct Subject {
  std::string_view tenant{};
  std::string_view project{};  // empty: none
  std::string_view model{};    // empty: policies bound to models do not apply
  std::string_view key_zone{};
  const std::vector<std::string>* zones = nullptr;
  std::uint32_t data_level = 0;                       // of key and request; the account's is added
  const std::vector<std::string>* regimes = nullptr;  // of the request
  const std::vector<std::string>* key_regimes = nullptr;
  std::int64_t second = 0;  // 0: that of the compilation
};

// Which actions each part of a request's route needs.
inline constexpr std::array<Action, 4> kHostActions = {Action::Route, Action::Process, Action::Cache, Action::LogMeta};
inline constexpr std::array<Action, 3> kIngressActions = {Action::Terminate, Action::Route, Action::LogMeta};
inline constexpr std::array<Action, 1> kRelayActions = {Action::Route};

struct Permit {
  SiteSet sites;    // where it may be hosted: queued, run, cached, logged
  SiteSet ingress;  // where it may come in
  SiteSet relay;    // what it may pass through
};

// Why not there: the first rule that cuts a site.
struct Denial {
  Action action = Action::Process;
  Level level = Level::Platform;
  std::string rule;  // `policy "p" permits zone "eu"`
  std::string gap;   // `site "paris" states no cert "secnumcloud"`; empty: nothing the site could do about it
};
std::string to_text(const Denial& denial);

class Residency {
 public:
  // Copies what it needs. Fails on a zone or policy that cannot be compiled and on a tenant, project, model or policy
  // naming no zone there is.
  static Result<Residency> compile(const grid::Inventory& inventory, std::int64_t second = 0);

  Result<Permit> permitted(const Subject& subject) const;
  // Where what runs already may go on for a while though the law forbids it now (`on_change: drain`).
  SiteSet lingering(const Subject& subject) const;
  Result<SiteSet> allowed(const Subject& subject, Action action) const;
  // A node's question. False on any error.
  bool permits(const Subject& subject, std::string_view site, std::span<const Action> actions = kHostActions) const;

  // What narrows where it may be hosted, widest level first: `tenant "mairie" zone "fr"`. For messages.
  std::vector<std::string> rules(const Subject& subject) const;
  // Nothing when it may; for messages.
  std::optional<Denial> denial(const Subject& subject, std::string_view site,
                               std::span<const Action> actions = kHostActions) const;

  std::optional<SiteIndex> find_site(std::string_view name) const;
  const std::vector<std::string>& site_names() const { return site_names_; }
  const SiteSet& everywhere() const { return law_->everywhere(); }
  // The sites of a zone; null when there is no such zone.
  const SiteSet* zone(std::string_view name) const;
  // Zones that no site is in now: legal, but worth a warning when one is applied.
  std::vector<std::string> deserted_zones() const;
  // The first second at which something expires: from then on every question compiles anew, until somebody compiles.
  std::int64_t good_until() const { return law_ ? law_->good_until() : kNoEnd; }

 private:
  struct Asked {
    ProfileIndex profile = 0;
    Sensitivity data;
  };
  static Result<Residency> compile_one(const grid::Inventory& inventory, std::int64_t second);
  Result<std::shared_ptr<const Law>> law_at(std::int64_t second) const;
  Result<Asked> asked(const Law& law, const Subject& subject) const;
  Result<void> bound(const Law& law, const Subject& subject, SiteSet& sites) const;
  std::vector<std::pair<std::string, std::string>> bounds(const Subject& subject) const;
  std::optional<Denial> cut_by_level(const Law& law, const Subject& subject, const Sensitivity& data, Level level,
                                     Action action, SiteIndex site) const;

  std::vector<std::string> site_names_;
  std::shared_ptr<const grid::Inventory> source_;  // places, accounts and law only, sorted by name
  std::shared_ptr<const Law> law_;
  std::shared_ptr<const Residency> running_;  // the law for what runs; null: the same
};

}  // namespace aigrid::policy
