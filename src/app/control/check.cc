#include "app/control/check.h"

#include <algorithm>
#include <set>

#include "core/policy/diff.h"
#include "core/policy/placing.h"
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

bool touches_law(const Change& change) {
  const auto counts = [](api::Kind kind) {
    return kind == api::Kind::Operator || kind == api::Kind::Site || kind == api::Kind::Zone ||
           kind == api::Kind::Policy || kind == api::Kind::Model || kind == api::Kind::Tenant ||
           kind == api::Kind::Project;
  };
  return std::any_of(change.puts.begin(), change.puts.end(), [&](const auto& put) { return counts(put.kind); }) ||
         std::any_of(change.deletes.begin(), change.deletes.end(), [&](const auto& key) { return counts(key.first); });
}

void compare_law(const CatalogEntries& held, const grid::Inventory& after, std::int64_t second, Checked& out) {
  const auto shifts = policy::diff(inventory_of(held, after.grid, after.version), after, second);
  if (!shifts.ok()) return;  // what is held does not compile: nobody runs by it
  out.widens = policy::widens(*shifts);
  for (const auto& shift : *shifts) {
    for (auto& line : policy::to_text(shift)) out.law.push_back(std::move(line));
  }
}

}  // namespace

Checked check_change(const CatalogEntries& held, const Change& change, std::int64_t second) {
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
  auto tables = routing::compile(whole.inventory, second);
  if (!tables.ok()) {
    out.problems.push_back(problem_of_all(change, tables.error().message));
    return out;
  }
  for (std::size_t i = 0; i < out.nouns.size(); ++i) {
    const auto* deployment = std::get_if<grid::Deployment>(&out.nouns[i]);
    if (deployment == nullptr) continue;
    for (auto& wrong : policy::misplaced((*tables)->residency, whole.inventory, *deployment)) {
      out.problems.push_back(api::problem_at(change.puts[i], "/spec/nodes/" + std::to_string(wrong.node),
                                             std::move(wrong.why), "choose a node at a permitted site"));
    }
  }
  if (out.problems.empty() && touches_law(change)) compare_law(held, whole.inventory, second, out);
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
