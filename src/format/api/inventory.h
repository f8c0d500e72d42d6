// Nouns into the lists of an Inventory and out of it. Pure, any thread.
#pragma once

#include <vector>

#include "format/api/schema.h"

namespace aigrid::api {

void add(grid::Inventory& inventory, Noun noun);
// By name (keys: by kid), as every reader of an Inventory expects.
void sort_by_name(grid::Inventory& inventory);

// Calls `visit(kind, list)` for the 13 lists; the list's element type is the kind's noun.
template <class I, class F>
void for_each_list(I& inventory, F visit) {
  visit(Kind::Operator, inventory.operators);
  visit(Kind::Site, inventory.sites);
  visit(Kind::Node, inventory.nodes);
  visit(Kind::Gateway, inventory.gateways);
  visit(Kind::Link, inventory.links);
  visit(Kind::Zone, inventory.zones);
  visit(Kind::Policy, inventory.policies);
  visit(Kind::Model, inventory.models);
  visit(Kind::Deployment, inventory.deployments);
  visit(Kind::Tenant, inventory.tenants);
  visit(Kind::Project, inventory.projects);
  visit(Kind::PriceBook, inventory.price_books);
  visit(Kind::ApiKey, inventory.keys);
}

}  // namespace aigrid::api
