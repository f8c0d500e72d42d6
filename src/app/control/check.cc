#include "app/control/check.h"

#include <algorithm>
#include <set>

#include "core/policy/diff.h"
#include "core/policy/placing.h"
#include "core/routing/tables.h"
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

// Writes a key that somebody may have and that is in force: revoking and deleting open nothing.
bool frees_keys(const Change& change, const std::vector<api::Noun>& nouns) {
  return !change.fresh_key && std::any_of(nouns.begin(), nouns.end(), [](const api::Noun& noun) {
    const auto* key = std::get_if<grid::ApiKey>(&noun);
    return key != nullptr && !key->revoked;
  });
}

// Names the account or zone that a key needs and the configuration lacked: such a key could do nothing until now.
bool dangling(const grid::Inventory& before, const grid::ApiKey& key) {
  const auto has = [](const auto& list, const std::string& name) {
    return std::any_of(list.begin(), list.end(), [&](const auto& one) { return one.name == name; });
  };
  return !key.revoked &&
         (!has(before.tenants, key.tenant) || (!key.project.empty() && !has(before.projects, key.project)) ||
          (!key.zone.empty() && !has(before.zones, key.zone)));
}

// The keys whose rights the change may move: those it writes, and those it wakes. Any other has what its account has,
// within its zone: both are compared.
void add_keys(const CatalogEntries& keys, const Change& change, grid::Inventory& before, grid::Inventory& after) {
  std::set<std::string> written;
  for (const auto& [kind, name] : change.deletes) {
    if (kind == api::Kind::ApiKey) written.insert(name);
  }
  for (const auto& put : change.puts) {
    if (put.kind == api::Kind::ApiKey) written.insert(put.name);
  }
  std::set<std::string> same;  // as a key that is compared already
  for (const auto& entry : keys) {
    const auto& key = std::get<grid::ApiKey>(entry->noun);
    if (written.contains(key.kid)) {
      before.keys.push_back(key);
    } else if (dangling(before, key) && same.insert(key.tenant + "/" + key.project + "/" + key.zone).second) {
      before.keys.push_back(key);
      after.keys.push_back(key);
    }
  }
  if (change.fresh_key) after.keys.clear();
}

void compare_law(const CatalogEntries& held, const CatalogEntries& keys, const Change& change, grid::Inventory after,
                 std::int64_t second, Checked& out) {
  constexpr std::size_t kMostLines = 100;
  grid::Inventory before = inventory_of(held, after.grid, after.version);
  add_keys(keys, change, before, after);
  const auto shifts =
      touches_law(change) ? policy::diff(before, after, second) : policy::diff_keys(before, after, second);
  if (!shifts.ok()) {  // what is held does not compile: whatever comes is more
    out.widens = true;
    out.law.push_back("cannot be compared with what is held: " + shifts.error().message);
    return;
  }
  out.widens = policy::widens(*shifts);
  for (const auto& shift : *shifts) {
    for (auto& line : policy::to_text(shift)) out.law.push_back(std::move(line));
  }
  if (out.law.size() <= kMostLines) return;
  const std::size_t more = out.law.size() - kMostLines;
  out.law.resize(kMostLines);
  out.law.push_back("and " + std::to_string(more) + " more such lines");
}

// What stands is not refused, for the law goes before it; but whoever changes the law is told.
void tell_standing(const policy::Residency& residency, const grid::Inventory& after, const Change& change,
                   Checked& out) {
  for (const auto& deployment : after.deployments) {
    const bool put = std::any_of(change.puts.begin(), change.puts.end(), [&](const auto& one) {
      return one.kind == api::Kind::Deployment && one.name == deployment.name;
    });
    if (put) continue;  // refused above
    for (const auto& wrong : policy::misplaced(residency, after, deployment)) {
      out.law.push_back("leaves deployment \"" + deployment.name + "\" where it may not be: " + wrong.why);
    }
  }
}

}  // namespace

Checked check_change(const CatalogEntries& held, const CatalogEntries& keys, const Change& change,
                     std::int64_t second) {
  Checked out;
  std::vector<api::Problem> seen_below;
  for (const auto& resource : change.puts) {
    if (auto noun = api::decode(resource, seen_below)) out.nouns.push_back(std::move(*noun));
  }
  auto whole = inventory_after(held, change);
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
  if (!out.problems.empty()) return out;
  if (touches_law(change)) tell_standing((*tables)->residency, whole.inventory, change, out);
  if (touches_law(change) || frees_keys(change, out.nouns)) {
    compare_law(held, keys, change, whole.inventory, second, out);
  }
  return out;
}

api::Checked inventory_after(const CatalogEntries& held, const Change& change) {
  return api::to_inventory(candidate(held, change));
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
