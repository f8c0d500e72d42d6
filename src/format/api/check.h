// Checks across resources: what each refers to exists, names are unique, zones are neither empty nor cyclic, ends of
// links, budgets of deployments. All problems at once, in the order of the resources. Pure, any thread.
#pragma once

#include <vector>

#include "format/api/resource.h"
#include "grid/inventory.h"

namespace aigrid::api {

struct Checked {
  grid::Inventory inventory;  // sorted; only what decoded
  std::vector<Problem> problems;
};

// Everything there is (what is stored together with what is applied): decodes and checks.
Checked to_inventory(const std::vector<Resource>& resources);

}  // namespace aigrid::api
