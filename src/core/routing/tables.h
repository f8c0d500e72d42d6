// Tables: one bundle compiled for routing: names become dense indices, zones become site sets. Immutable, shared
// between workers by shared_ptr<const Tables>. Built by compile(); order is by name, so equal inventories give equal
// tables.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/residency.h"
#include "core/policy/site_set.h"
#include "grid/inventory.h"

namespace aigrid::routing {

using policy::SiteIndex;
using policy::SiteSet;
using NodeIndex = std::uint16_t;
using DeploymentIndex = std::uint16_t;
using ModelIndex = std::uint16_t;
using TenantIndex = std::uint32_t;
inline constexpr std::uint16_t kNone = 0xffff;

// Median road of a fibre over the great circle, and light in it there and back: the prior of a link nobody measured.
inline constexpr double kStretch = 1.5;
inline constexpr double kRttMsPerKm = 0.01;
inline constexpr double kLeastRttMs = 0.2;  // between two sites, however near

struct SiteEntry {
  grid::Site spec;
  std::int64_t margin_ppm = 0;          // of its operator
  std::vector<std::uint16_t> gateways;  // indices into Tables::gateways
};

struct NodeEntry {
  grid::Node spec;
  SiteIndex site = kNone;
};

struct DeploymentEntry {
  grid::Deployment spec;
  ModelIndex model = kNone;
  std::uint32_t context_tokens = 0;  // of one slot, never above the model's
  std::vector<NodeIndex> nodes;
  SiteSet sites;
  std::vector<SiteIndex> site_list;  // the same, ascending
};

struct ModelEntry {
  grid::Model spec;
  std::vector<DeploymentIndex> deployments;
  std::vector<TenantIndex> tenants;  // who may see it, ascending; empty: all
  bool visible_to(TenantIndex tenant) const;
};

struct TenantEntry {
  grid::Tenant spec;
  SiteSet permitted;  // for any model that no policy names; the whole answer: Tables::residency
  std::uint16_t price_book = kNone;
};

struct ZoneEntry {
  grid::Zone spec;
  SiteSet sites;
};

// A tenant's prices, by model: what price() looks up.
struct ModelPrice {
  ModelIndex model = kNone;
  std::int64_t input_nano = 0;
  std::int64_t output_nano = 0;
  bool agreed = false;  // the tenant's price book names the model
};

struct Tables {
  std::string grid;
  std::uint64_t version = 0;
  std::vector<SiteEntry> sites;
  std::vector<NodeEntry> nodes;
  std::vector<grid::Gateway> gateways;
  std::vector<grid::Link> links;
  std::vector<ModelEntry> models;
  std::vector<DeploymentEntry> deployments;
  std::vector<TenantEntry> tenants;
  std::vector<grid::Project> projects;
  std::vector<ZoneEntry> zones;
  std::vector<grid::PriceBook> price_books;
  std::vector<std::vector<ModelPrice>> price_of_book;  // as price_books, each sorted by model
  policy::Residency residency;                         // of the same bundle: its site indices are these
  // Prior RTT between sites, milliseconds, row-major sites × sites; 0 on the diagonal. Configured, else by great
  // circle.
  std::vector<float> prior_rtt_ms;

  std::optional<SiteIndex> find_site(std::string_view name) const;
  std::optional<NodeIndex> find_node(std::string_view name) const;
  std::optional<ModelIndex> find_model(std::string_view name_or_alias) const;
  std::optional<DeploymentIndex> find_deployment(std::string_view name) const;
  std::optional<TenantIndex> find_tenant(std::string_view name) const;
  const ZoneEntry* find_zone(std::string_view name) const;
  const grid::Project* find_project(std::string_view name) const;
  // Cordoned or draining, itself or as part of its site: no new work.
  bool closed(SiteIndex s) const { return sites[s].spec.cordoned || sites[s].spec.drain; }
  bool closed(SiteIndex s, NodeIndex n) const { return closed(s) || nodes[n].spec.cordoned || nodes[n].spec.drain; }
  // What runs there is to move away. `n` may be kNone: not known.
  bool draining(SiteIndex s, NodeIndex n) const {
    return sites[s].spec.drain || (n < nodes.size() && nodes[n].spec.drain);
  }
  // Zero where the tenant has no price book or the book does not name the model.
  ModelPrice price(TenantIndex tenant, ModelIndex model) const;
  float prior_rtt(SiteIndex a, SiteIndex b) const { return prior_rtt_ms[a * sites.size() + b]; }
};

// Fails on a dangling reference, a cyclic or empty zone, more than kMaxSites sites: such a bundle is refused whole.
// `second`: when, for what expires (core/policy).
Result<std::shared_ptr<const Tables>> compile(const grid::Inventory& inventory, std::int64_t second = 0);

}  // namespace aigrid::routing
