// Pieces of command lines that the drivers share. Pure. For this folder only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/driver.h"

namespace aigrid::engine {

struct HostPort {
  std::string host;  // or the path of a unix socket
  std::string port;  // empty for a unix socket
};

HostPort split_listen(std::string_view listen);
// `source` below `folder`, unless it is absolute. Refused: URLs, and `..` (out of the folder).
Result<std::string> model_path(std::string_view folder, const grid::Model& model);
std::string launcher_path(const LaunchContext& context, std::string_view file);
// Every key of the deployment's arguments must be one of `known`.
Result<void> check_arguments(const grid::Deployment& deployment, std::initializer_list<std::string_view> known);
std::optional<std::string> argument(const grid::Deployment& deployment, const char* name);
inline constexpr const char* kSecretVariable = "AIGRID_ENGINE_SECRET";

}  // namespace aigrid::engine
