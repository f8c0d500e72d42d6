// policy test, policy diff: about files alone; they need no grid. policy preview: about what a grid has recorded.
#include <fmt/format.h>

#include "app/cli/access.h"
#include "app/cli/commands.h"
#include "app/cli/resource_files.h"
#include "core/policy/diff.h"
#include "core/policy/examples.h"
#include "format/api/check.h"
#include "format/json/json.h"

namespace aigrid::cli {

namespace {

using Json = nlohmann::json;

// Noting every problem of every file; nothing when there is one.
std::optional<grid::Inventory> inventory_of(io::Env& env, Writer& writer, const std::vector<std::string>& paths) {
  auto read = read_resources(env.files(), paths);
  if (!read.ok()) {
    (void)fail(writer, read.error());
    return std::nullopt;
  }
  auto checked = api::to_inventory(read->resources);
  auto problems = std::move(read->problems);
  problems.insert(problems.end(), checked.problems.begin(), checked.problems.end());
  for (const auto& problem : problems) writer.note("error: " + api::to_text(problem));
  if (!problems.empty()) return std::nullopt;
  return std::move(checked.inventory);
}

Json to_json(const policy::Shift& s) {
  Json actions = Json::array();
  for (const auto action : s.actions) actions.push_back(grid::to_string(action));
  return Json{{"tenant", s.tenant},
              {"project", s.project},
              {"key", s.key},
              {"zone", s.zone},
              {"host", s.host},
              {"model", s.model},
              {"actions", std::move(actions)},
              {"data_levels", {s.from_level, s.to_level}},
              {"since", s.since},
              {"gained", s.gained},
              {"lost", s.lost}};
}

}  // namespace

io::Task<int> run_policy_test(io::Env& env, Writer& writer, PolicyTestOptions options) {
  const auto inventory = inventory_of(env, writer, options.files);
  if (!inventory) co_return 1;
  const auto compiled = policy::Residency::compile(*inventory, unix_seconds(env.wall()));
  if (!compiled.ok()) co_return fail(writer, compiled.error());
  const auto outcomes = policy::run_examples(*inventory, unix_seconds(env.wall()));
  std::size_t wrong = 0;
  Json list = Json::array();
  for (const auto& o : outcomes) {
    if (!o.ok) ++wrong;
    list.push_back({{"policy", o.policy}, {"name", o.name}, {"ok", o.ok}, {"text", o.text}});
    if (options.json) continue;
    writer.out(fmt::format("{} {}: {}{}\n", o.ok ? "✓" : "✗", o.policy, o.name, o.ok ? "" : "\n    " + o.text));
  }
  if (options.json) writer.out(pretty(list));
  if (outcomes.empty()) {
    writer.note("error: these policies have no examples: write some under spec.examples");
    co_return 1;
  }
  writer.note(fmt::format("{} of {} examples hold", outcomes.size() - wrong, outcomes.size()));
  co_return wrong == 0 ? 0 : 1;
}

io::Task<int> run_policy_diff(io::Env& env, Writer& writer, PolicyDiffOptions options) {
  const auto before = inventory_of(env, writer, {options.before});
  const auto after = inventory_of(env, writer, {options.after});
  if (!before || !after) co_return 1;
  const auto shifts = policy::diff(*before, *after, unix_seconds(env.wall()));
  if (!shifts.ok()) co_return fail(writer, shifts.error());
  Json list = Json::array();
  for (const auto& shift : *shifts) {
    list.push_back(to_json(shift));
    if (options.json) continue;
    for (const auto& line : policy::to_text(shift)) writer.out(line + "\n");
  }
  if (options.json) writer.out(pretty(list));
  writer.note(shifts->empty()           ? "no account may go anywhere else than before"
              : policy::widens(*shifts) ? "this change widens"
                                        : "this change only narrows");
  co_return 0;
}

namespace {

struct ChangeLine {
  std::string fate, tenant, site, rule;
  std::uint64_t requests = 0;
  std::vector<std::string> examples;
};

std::string what_of(const ChangeLine& c) {
  if (c.fate == "refused") return fmt::format("would have been refused, served at {}: {}", c.site, c.rule);
  if (c.fate == "moved") return fmt::format("would have left {}: {}", c.site, c.rule);
  return fmt::format("would have been allowed in at {}", c.site);
}

std::string preview_text(const Json& answer) {
  std::string out;
  const auto* list = json::Reader(answer).list("changes");
  for (const auto& one : list == nullptr ? Json::array() : *list) {
    ChangeLine c;
    json::Reader(one)
        .get("fate", c.fate)
        .get("tenant", c.tenant)
        .get("site", c.site)
        .get("rule", c.rule)
        .get("requests", c.requests)
        .get("examples", c.examples);
    out += fmt::format("{}: {} request{} {} (", c.tenant, c.requests, c.requests == 1 ? "" : "s", what_of(c));
    for (const auto& id : c.examples) out += (&id == &c.examples.front() ? "" : ", ") + id;
    out += c.requests > c.examples.size() ? ", …)\n" : ")\n";
  }
  return out;
}

}  // namespace

io::Task<int> run_policy_preview(io::Env& env, Writer& writer, PolicyPreviewOptions options) {
  auto read = read_resources(env.files(), options.files);
  if (!read.ok()) co_return fail(writer, read.error());
  for (const auto& problem : read->problems) writer.note("error: " + api::to_text(problem));
  if (!read->problems.empty()) co_return 1;
  Json ask{{"resources", Json::array()}};
  for (const auto& resource : read->resources) ask["resources"].push_back(api::to_json(resource));
  if (options.seconds > 0) ask["since_unix_s"] = unix_seconds(env.wall()) - options.seconds;
  const std::string body = json::dump(ask);
  auto answer = co_await call(env, options.access, "POST", "/api/v1/policy/preview", body);
  if (!answer.ok()) co_return fail(writer, answer.error());
  if (options.json) {
    writer.out(pretty(*answer));
    co_return 0;
  }
  std::uint64_t requests = 0;
  bool cut = false;
  std::vector<std::string> law;
  json::Reader(*answer).get("requests", requests).get("cut_short", cut).get("law", law);
  writer.out(preview_text(*answer));
  for (const auto& line : law) writer.note(line);
  writer.note(fmt::format("{} recorded requests asked again{}; nothing was changed", requests,
                          cut ? ", the newer ones left out: use --since" : ""));
  co_return 0;
}

}  // namespace aigrid::cli
