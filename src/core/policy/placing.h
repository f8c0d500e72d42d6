// Placing: may a model be put on a node at all? Refused when the model's own zone (licence, export) leaves the node's
// site out, or when no tenant that may see the model could ever have a request hosted there. What tenants narrow later
// does not make a standing deployment wrong: its requests are refused one by one. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "core/policy/residency.h"

namespace aigrid::policy {

struct Misplaced {
  std::size_t node = 0;  // index into Deployment::nodes
  std::string why;
};

// `residency` is compiled from `inventory`, both as they would be.
std::vector<Misplaced> misplaced(const Residency& residency, const grid::Inventory& inventory,
                                 const grid::Deployment& deployment);

}  // namespace aigrid::policy
