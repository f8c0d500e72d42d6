// Tables: one bundle compiled for routing: names become dense indices, zones become site sets. Immutable, shared between
// workers by shared_ptr<const Tables>. Built by compile(); order is by name, so equal inventories give equal tables.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

struct SiteEntry {
  grid::Site spec;
  std::vector<std::uint16_t> gateways;  // indices into Tables::gateways
};

struct NodeEntry {
  grid::Node spec;
  SiteIndex site = kNone;
};

struct DeploymentEntry {
  grid::Deployment spec;
  ModelIndex model = kNone;
  std::vector<NodeIndex> nodes;
  SiteSet sites;
  std::vector<SiteIndex> site_list;  // the same, ascending
};

struct ModelEntry {
  grid::Model spec;
  std::vector<DeploymentIndex> deployments;
};

struct TenantEntry {
  grid::Tenant spec;
  SiteSet permitted;          // tenant's zone ∩ policies that name it
  std::vector<std::string> rules;  // what bounded it, for refusals: `tenant "mairie" zone "fr"`
};

struct ZoneEntry {
  grid::Zone spec;
  SiteSet sites;
};

struct ModelPrice {
  ModelIndex model = kNone;
  std::int64_t input_nano = 0;
  std::int64_t output_nano = 0;
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
  // Prior RTT between sites, milliseconds, row-major sites × sites; 0 on the diagonal. Configured, else by great circle.
  std::vector<float> prior_rtt_ms;

  std::optional<SiteIndex> find_site(std::string_view name) const;
  std::optional<NodeIndex> find_node(std::string_view name) const;
  std::optional<ModelIndex> find_model(std::string_view name_or_alias) const;
  std::optional<DeploymentIndex> find_deployment(std::string_view name) const;
  std::optional<TenantIndex> find_tenant(std::string_view name) const;
  const ZoneEntry* find_zone(std::string_view name) const;
  const grid::Project* find_project(std::string_view name) const;
  ModelPrice price(TenantIndex tenant, ModelIndex model) const;
};

// Fails on a dangling reference, a cyclic or empty zone, more than kMaxSites sites: such a bundle is refused whole.
Result<std::shared_ptr<const Tables>> compile(const grid::Inventory& inventory);

}  // namespace aigrid::routing
