// Examples: a policy's own questions with their answers, asked of the very compile that gateways and nodes run. They
// need no grid: each describes one site. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "core/policy/residency.h"

namespace aigrid::policy {

struct ExampleOutcome {
  std::string policy;
  std::string name;
  bool ok = false;
  std::string text;  // not ok: what was expected and what came, with the rule
};

// `inventory`: zones and policies; its sites and accounts do not count. `second`: for examples without a date.
std::vector<ExampleOutcome> run_examples(const grid::Inventory& inventory, std::int64_t second);

}  // namespace aigrid::policy
