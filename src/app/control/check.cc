#include "app/control/check.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/routing/tables.h"
#include "format/api/inventory.h"

namespace aigrid::control {

namespace {

using Key = std::pair<api::Kind, std::string>;

void check_duplicates(const Change& change, std::vector<api::Problem>& problems) {
  std::map<Key, const api::Resource*> seen;
  for (const auto& r : change.puts) {
    const auto [first, fresh] = seen.emplace(Key{r.kind, r.name}, &r);
    if (fresh) continue;
    std::string where = first->second->source.file;
    if (where.empty()) where = "the same request";
    if (first->second->source.line != 0) where += ":" + std::to_string(first->second->source.line);
    problems.push_back(api::problem_at(r, "/metadata/name", "defined twice; first in " + where, "remove one of the two"));
  }
}

// The configuration as it would be, without keys.
grid::Inventory candidate(const CatalogEntries& held, const Change& change, const std::vector<api::Noun>& nouns) {
  std::set<Key> replaced(change.deletes.begin(), change.deletes.end());
  for (const auto& r : change.puts) replaced.insert({r.kind, r.name});
  grid::Inventory inventory;
  for (const auto& entry : held) {
    if (!replaced.contains({api::kind_of(entry->noun), entry->stored.name})) api::add(inventory, entry->noun);
  }
  for (const auto& noun : nouns) {
    if (api::kind_of(noun) != api::Kind::ApiKey) api::add(inventory, noun);
  }
  api::sort_by_name(inventory);
  return inventory;
}

template <class List>
bool has(const List& list, const std::string& name) {
  return name.empty() || std::any_of(list.begin(), list.end(), [&](const auto& n) { return n.name == name; });
}

// compile() does not look at keys: they are many and nothing depends on them.
void check_key(const api::Resource& resource, const grid::ApiKey& key, const grid::Inventory& inventory,
               std::vector<api::Problem>& problems) {
  auto missing = [&](const char* field, const char* kind, const std::string& name) {
    problems.push_back(api::problem_at(resource, std::string("/spec/") + field, std::string(kind) + " \"" + name + "\" does not exist",
                                       std::string("create it first, or name one of `aigrid get ") + kind + "`"));
  };
  if (!has(inventory.tenants, key.tenant)) missing("tenant", "Tenant", key.tenant);
  if (!has(inventory.zones, key.zone)) missing("zone", "Zone", key.zone);
  const auto project = std::find_if(inventory.projects.begin(), inventory.projects.end(),
                                    [&](const auto& p) { return p.name == key.project; });
  if (!key.project.empty() && (project == inventory.projects.end() || project->tenant != key.tenant)) {
    missing("project", "Project", key.project);
  }
  for (const auto& model : key.models) {
    if (!has(inventory.models, model)) missing("models", "Model", model);
  }
}

}  // namespace

Checked check_change(const CatalogEntries& held, const Change& change) {
  Checked out;
  check_duplicates(change, out.problems);
  for (const auto& resource : change.puts) {
    if (auto noun = api::decode(resource, out.problems)) out.nouns.push_back(std::move(*noun));
  }
  if (!out.problems.empty()) return out;
  grid::Inventory inventory = candidate(held, change, out.nouns);
  inventory.grid = "check";
  inventory.version = 1;
  for (std::size_t i = 0; i < out.nouns.size(); ++i) {
    if (const auto* key = std::get_if<grid::ApiKey>(&out.nouns[i])) check_key(change.puts[i], *key, inventory, out.problems);
  }
  if (auto tables = routing::compile(inventory); !tables.ok()) {
    api::Problem problem;
    if (!change.puts.empty()) problem = api::problem_at(change.puts.front(), "", "", "");
    if (change.puts.size() != 1) problem.kind = problem.name = "";
    problem.message = tables.error().message;
    problem.remedy = "correct what it names; nothing was written";
    out.problems.push_back(std::move(problem));
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
