// JSON as block YAML. Pure. Text is quoted as JSON quotes it wherever plain YAML might read it as something else.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace aigrid::cli {

std::string yaml_text(const nlohmann::json& value);

}  // namespace aigrid::cli
