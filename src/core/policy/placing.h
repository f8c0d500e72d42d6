// Placing: may a model be put on a node at all? Not when the model's own zone (licence, export) leaves the node's site
// out, nor when no tenant that may see the model could ever have a request hosted there. `apply` refuses such a
// deployment; one that stands when the law changes, or a claim of its site expires, is told. Pure, any thread.
#pragma once

#include <map>
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

// Of all that stand, by deployment: why not, for each node where it may not be; and until when that holds.
struct Standing {
  std::map<std::string, std::vector<std::string>> forbidden;
  std::int64_t good_until = kNoEnd;
};
Result<Standing> standing(const grid::Inventory& inventory, std::int64_t second);

// What a node asks itself before it runs a model: its own zone, in the node's own bundle. Empty: it may.
std::string model_forbidden(const Residency& residency, const grid::Inventory& inventory, const grid::Model& model,
                            const std::string& site, std::int64_t second);

}  // namespace aigrid::policy
