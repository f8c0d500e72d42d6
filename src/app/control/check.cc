#include "app/control/check.h"

#include <set>

#include "core/routing/tables.h"
#include "format/api/check.h"
#include "format/api/inventory.h"

namespace aigrid::control {

namespace {

using Key = std::pair<api::Kind, std::string>;

// The configuration as it would be, without the keys that are held: what is written comes first, so its problems do
// too.
std::vector<api::Resource> candidate(const CatalogEntries& held, const Change& change) {
  std::set<Key> replaced(change.deletes.begin(), change.deletes.end());
  for (const auto& r : change.puts) replaced.insert({r.kind, r.name});
  std::vector<api::Resource> out = change.puts;
  for (const auto& entry : held) {
    if (!replaced.contains({api::kind_of(entry->noun), entry->stored.name}))
      out.push_back(api::to_resource(entry->noun));
  }
  return out;
}

api::Problem problem_of_all(const Change& change, const std::string& message) {
  api::Problem problem;
  if (change.puts.size() == 1) problem = api::problem_at(change.puts.front(), "", "", "");
  problem.message = message;
  problem.remedy = "correct what it names; nothing was written";
  return problem;
}

}  // namespace

Checked check_change(const CatalogEntries& held, const Change& change) {
  Checked out;
  std::vector<api::Problem> seen_below;
  for (const auto& resource : change.puts) {
    if (auto noun = api::decode(resource, seen_below)) out.nouns.push_back(std::move(*noun));
  }
  auto whole = api::to_inventory(candidate(held, change));
  out.problems = std::move(whole.problems);
  if (out.problems.empty() && !seen_below.empty()) out.problems = std::move(seen_below);
  if (!out.problems.empty()) return out;
  whole.inventory.grid = "check";
  whole.inventory.version = 1;
  if (auto tables = routing::compile(whole.inventory); !tables.ok()) {
    out.problems.push_back(problem_of_all(change, tables.error().message));
  }
  return out;
}

grid::Inventory inventory_of(const CatalogEntries& entries, std::string grid, std::uint64_t version) {
  grid::Inventory inventory;
  for (const auto& entry : entries) api::add(inventory, entry->noun);
  api::sort_by_name(inventory);
  inventory.grid = std::move(grid);
  inventory.version = version;
  return inventory;
}

}  // namespace aigrid::control
