// apply, get.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/cli/access.h"
#include "app/cli/resource_files.h"
#include "app/cli/yaml_text.h"
#include "base/nearest_name.h"
#include "format/api/schema.h"
#include "format/json/json.h"
#include "io/client/management.h"

namespace aigrid::cli {

namespace {

using Json = nlohmann::json;

std::vector<std::string> plurals() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < api::kKinds; ++i) out.emplace_back(api::plural(static_cast<api::Kind>(i)));
  return out;
}

// "sites", "site" and "Site" are the same to people.
Result<api::Kind> kind_of_word(const std::string& word) {
  if (const auto kind = api::parse_plural(word)) return *kind;
  if (const auto kind = api::parse_kind(word)) return *kind;
  if (const auto kind = api::parse_plural(word + "s")) return *kind;
  if (word == "policy") return api::Kind::Policy;
  const std::string near = nearest_name(word, plurals());
  return invalid(
      "there is no kind \"" + word + "\"; " +
      (near.empty() ? fmt::format("there are {}", fmt::join(plurals(), ", ")) : "did you mean " + near + "?"));
}

std::string cell(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  if (value.is_array()) {
    std::string out;
    for (const auto& one : value) out += (out.empty() ? "" : ",") + cell(one);
    return out;
  }
  return json::dump(value);
}

// Name, the spec's members that are short, and whether it is ready.
std::string table_of(api::Kind kind, const Json& items) {
  std::vector<std::string> columns;
  for (const auto& field : api::fields(kind)) {
    const bool shown =
        field.type != "map of text" && field.type != "list of prices" && field.type != "limits" && field.name != "hash";
    if (shown && columns.size() < 6) columns.push_back(field.name);
  }
  std::vector<std::vector<std::string>> rows(1, {"NAME"});
  for (std::string name : columns) {
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    rows[0].push_back(name);
  }
  for (const auto& item : items) {
    json::Reader reader(item);
    std::string name;
    if (const auto* metadata = reader.object("metadata")) json::Reader(*metadata).get("name", name);
    rows.push_back({name});
    const auto* spec = reader.object("spec");
    for (const auto& column : columns) {
      const auto* value = spec == nullptr ? nullptr : json::Reader(*spec).find(column.c_str());
      rows.back().push_back(value == nullptr ? "" : cell(*value));
    }
  }
  return table_text(rows);
}

}  // namespace

io::Task<int> run_get(io::Env& env, Writer& writer, GetOptions options) {
  auto kind = kind_of_word(options.kind);
  if (!kind.ok()) co_return fail(writer, kind.error());
  std::string target = "/api/v1/" + std::string(api::plural(*kind));
  if (!options.name.empty()) target += "/" + options.name;
  auto answer = co_await call(env, options.access, "GET", target);
  if (!answer.ok()) co_return fail(writer, answer.error());
  if (options.output == "json") {
    writer.out(pretty(*answer));
  } else if (options.output == "yaml") {
    writer.out(yaml_text(*answer));
  } else if (!options.name.empty()) {
    writer.out(table_of(*kind, Json::array({*answer})));
  } else {
    const auto* items = json::Reader(*answer).list("items");
    writer.out(table_of(*kind, items == nullptr ? Json::array() : *items));
  }
  co_return 0;
}

io::Task<int> run_apply(io::Env& env, Writer& writer, ApplyOptions options) {
  auto read = read_resources(env.files(), options.files);
  if (!read.ok()) co_return fail(writer, read.error());
  auto access = find_grid(env, options.access);
  if (!access.ok()) co_return fail(writer, access.error());
  std::vector<std::string> problems;
  for (const auto& problem : read->problems) problems.push_back(api::to_text(problem));
  // With mistakes here already, control only looks, so that all mistakes are told at once.
  const bool look = options.dry_run || !problems.empty();
  io::ManagementClient client(env, access->management, access->admin_key, access->ca);
  const std::string body = apply_body(read->resources);
  http::Headers headers;
  if (!options.approve_with.empty()) headers.set("x-aigrid-approval", options.approve_with);
  const std::string target = look ? "/api/v1/apply?dryRun=all" : "/api/v1/apply";
  auto answer = co_await client.call("POST", target, body, headers, access->limits.call);
  if (!answer.ok()) {
    problems.push_back("control at " + access->management + " gave no answer: " + answer.error().message);
  } else if (!answer->ok()) {
    auto more = problems_of(answer->body);
    if (more.empty()) more.push_back(io::describe_problem(*answer));
    for (auto& one : more) {
      if (std::find(problems.begin(), problems.end(), one) == problems.end()) problems.push_back(std::move(one));
    }
  }
  if (!problems.empty()) {
    for (const auto& one : problems) writer.note("error: " + one);
    writer.note(fmt::format("{} problem{}; nothing was changed", problems.size(), problems.size() == 1 ? "" : "s"));
    co_return 1;
  }
  auto value = json::parse(answer->body);
  if (!value.ok()) co_return fail(writer, value.error());
  if (options.json) {
    writer.out(pretty(*value));
    co_return 0;
  }
  if (const auto* results = json::Reader(*value).list("results")) {
    for (const auto& result : *results) {
      std::string kind, name, action;
      json::Reader(result).get("kind", kind).get("name", name).get("action", action);
      writer.out(fmt::format("{} {} {}{}\n", kind, name, action, options.dry_run ? " (dry run)" : ""));
    }
  }
  std::vector<std::string> law;
  json::Reader(*value).get("law", law);
  for (const auto& line : law) writer.note(line);
  co_return 0;
}

}  // namespace aigrid::cli
