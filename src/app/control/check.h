// Checks a change before it is written: every resource by itself, then the configuration as it would be, by the very
// compile that gateways run. Pure; may take long with a large grid, so it runs where it may block.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "format/api/check.h"
#include "format/api/resource.h"
#include "io/store/resources.h"

namespace aigrid::control {

struct CatalogEntry {
  io::StoredResource stored;
  api::Noun noun;
};
using CatalogEntries = std::vector<std::shared_ptr<const CatalogEntry>>;  // by kind, then name

struct Change {
  std::vector<api::Resource> puts;
  std::vector<std::pair<api::Kind, std::string>> deletes;
  bool fresh_key = false;  // its ApiKey was made here just now: nobody has held it, and its account had all it has
};

struct Checked {
  std::vector<api::Problem> problems;  // none: it may be written
  std::vector<api::Noun> nouns;        // of the puts, in order
  std::vector<std::string> law;        // which sites it opens and closes, for whom (core/policy/diff.h)
  bool widens = false;                 // it opens some
};

// `held`: all but ApiKeys, which nothing refers to; `keys`: those. `second`: when, for what expires.
Checked check_change(const CatalogEntries& held, const CatalogEntries& keys, const Change& change, std::int64_t second);

// The configuration as the change would leave it, without keys; with what is wrong about it.
api::Checked inventory_after(const CatalogEntries& held, const Change& change);
// Everything as one inventory.
grid::Inventory inventory_of(const CatalogEntries& entries, std::string grid, std::uint64_t version);

}  // namespace aigrid::control
