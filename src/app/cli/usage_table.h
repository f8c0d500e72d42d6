// Tables for people out of /api/v1/usage, and exact money. Pure; what is missing is left blank.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace aigrid::cli {

// 1e-9 of a currency's unit as a decimal, exactly: 1500 → "0.000001500".
std::string money_text(std::int64_t nano);
// Sums by what was asked for, then what needs a look: waived tokens, unknown names, records in question.
std::string usage_table(const nlohmann::json& usage);
// What operators owe each other.
std::string settlement_table(const nlohmann::json& usage);

}  // namespace aigrid::cli
