#include "app/cli/resource_files.h"

#include <algorithm>
#include <iterator>

#include "format/json/json.h"

namespace aigrid::cli {

namespace {

Result<std::vector<std::string>> files_in(io::Files& files, const std::string& path) {
  auto stat = files.stat(path);
  if (!stat.ok())
    return invalid("cannot read \"" + path + "\": " + stat.error().message + "; give a YAML file or a folder of them");
  if (!stat->directory) return std::vector<std::string>{path};
  AIGRID_TRY(const auto names, files.list(path));
  std::vector<std::string> out;
  for (const auto& name : names) {
    if (name.ends_with(".yaml") || name.ends_with(".yml"))
      out.push_back(path + (path.ends_with('/') ? "" : "/") + name);
  }
  if (out.empty()) return invalid("there is no *.yaml in \"" + path + "\"; give a YAML file or a folder of them");
  return out;
}

}  // namespace

Result<api::ParsedFile> read_resources(io::Files& files, const std::vector<std::string>& paths) {
  api::ParsedFile out;
  for (const auto& path : paths) {
    AIGRID_TRY(const auto names, files_in(files, path));
    for (const auto& name : names) {
      AIGRID_TRY(const auto text, files.read_all(name));
      auto parsed = api::parse_yaml(name, text);
      std::move(parsed.resources.begin(), parsed.resources.end(), std::back_inserter(out.resources));
      std::move(parsed.problems.begin(), parsed.problems.end(), std::back_inserter(out.problems));
    }
  }
  if (out.resources.empty() && out.problems.empty()) return invalid("there is no resource in the files given");
  return out;
}

std::string apply_body(const std::vector<api::Resource>& resources) {
  json::Json list = json::Json::array();
  for (const auto& resource : resources) list.push_back(api::to_json(resource));
  return json::dump({{"resources", std::move(list)}});
}

std::vector<std::string> problems_of(std::string_view body) {
  std::vector<std::string> out;
  auto value = json::parse(body);
  if (!value.ok()) return out;
  json::Reader reader(*value);
  const auto* errors = reader.list("errors");
  if (errors == nullptr) return out;
  for (const auto& error : *errors) {
    api::Problem problem;
    json::Reader one(error);
    one.get("file", problem.file).get("line", problem.line).get("kind", problem.kind).get("name", problem.name);
    one.get("pointer", problem.pointer).get("message", problem.message).get("remedy", problem.remedy);
    if (one.ok()) out.push_back(api::to_text(problem));
  }
  return out;
}

}  // namespace aigrid::cli
