// policy test, policy diff: about files alone; they need no grid.
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
  return Json{{"tenant", s.tenant},
              {"project", s.project},
              {"model", s.model},
              {"action", grid::to_string(s.action)},
              {"data_levels", {s.from_level, s.to_level}},
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

}  // namespace aigrid::cli
