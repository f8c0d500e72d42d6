#include "engine/launch_text.h"

namespace aigrid::engine {

HostPort split_listen(std::string_view listen) {
  constexpr std::string_view kUnix = "unix:";
  if (listen.starts_with(kUnix)) return {std::string(listen.substr(kUnix.size())), ""};
  const auto colon = listen.rfind(':');
  if (colon == std::string_view::npos) return {std::string(listen), ""};
  return {std::string(listen.substr(0, colon)), std::string(listen.substr(colon + 1))};
}

Result<std::string> model_path(std::string_view folder, const grid::Model& model) {
  const std::string& source = model.source;
  const auto wrong = [&](std::string_view rule) {
    return invalid("model \"" + model.name + "\": source \"" + source + "\": " + std::string(rule));
  };
  if (source.empty()) return wrong("must name a file; set spec.source");
  if (source.find("://") != std::string::npos) {
    return wrong("is a URL; fetch the file into the models folder and name it");
  }
  if (source.front() == '/') return source;
  if (("/" + source + "/").find("/../") != std::string::npos) return wrong("must not leave the models folder by `..`");
  if (folder.empty()) return wrong("is relative, and this agent has no models folder; start it with --models-folder");
  return std::string(folder) + (folder.ends_with('/') ? "" : "/") + source;
}

std::string launcher_path(const LaunchContext& context, std::string_view file) {
  return context.engines_folder + (context.engines_folder.ends_with('/') ? "" : "/") + std::string(file);
}

Result<void> check_arguments(const grid::Deployment& deployment, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : deployment.arguments) {
    bool found = false;
    std::string names;
    for (const auto name : known) {
      found = found || key == name;
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    if (!found) {
      return invalid("deployment \"" + deployment.name + "\": argument \"" + key +
                     "\" is unknown to its driver; known: " + names);
    }
  }
  return {};
}

std::optional<std::string> argument(const grid::Deployment& deployment, const char* name) {
  const auto it = deployment.arguments.find(name);
  if (it == deployment.arguments.end()) return std::nullopt;
  return it->second;
}

}  // namespace aigrid::engine
