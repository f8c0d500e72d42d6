// What GET /api/v1/status says about the engines of a little grid. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/up/report.h"
#include "grid/inventory.h"

namespace aigrid::up {

struct EnginesStatus {
  std::map<std::string, std::vector<ReportedEngine>> by_node;  // those that are ready
  std::vector<std::string> missing;                            // "engine smollm2 on paris-1: starting (…)", for people
};

// Against every (deployment, node) of the inventory.
Result<EnginesStatus> engines_status(std::string_view status_json, const grid::Inventory& inventory,
                                     const std::string& engine_secret);

}  // namespace aigrid::up
