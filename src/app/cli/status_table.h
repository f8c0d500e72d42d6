// Tables for people out of /api/v1/status. Pure; what is missing is left blank.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace aigrid::cli {

// Sites with their gateways, nodes, engines and queues; then the links with what was measured on them.
std::string status_tables(const nlohmann::json& status);

}  // namespace aigrid::cli
