// Inventory: what a bundle says, decoded, in its reader's scope. Every list is sorted by name. Immutable once built.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "grid/account.h"
#include "grid/law.h"
#include "grid/model.h"
#include "grid/place.h"

namespace aigrid::grid {

struct Inventory {
  std::string grid;
  std::uint64_t version = 0;
  std::vector<Operator> operators;
  std::vector<Site> sites;
  std::vector<Node> nodes;
  std::vector<Gateway> gateways;
  std::vector<Link> links;
  std::vector<Zone> zones;
  std::vector<Policy> policies;
  std::vector<Model> models;
  std::vector<Deployment> deployments;
  std::vector<Tenant> tenants;
  std::vector<Project> projects;
  std::vector<PriceBook> price_books;
  std::vector<ApiKey> keys;  // empty in an agent's scope
};

}  // namespace aigrid::grid
