// Registry: one made-up grid as its law changes: the same places and models in every version, other policies, zones,
// attributes, drains; and those who ask. Read from a line of JSON: {"second": s, "versions": [[resource…]…], "asks":
// [{tenant, project, model, level, regimes, key_zone, zones}…]}, a resource as in tests/oracle. Immutable once read.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/routing/tables.h"

namespace aigrid::sim {

struct Asker {
  std::string tenant;
  std::string project;
  std::string model;
  std::string key_zone;
  std::vector<std::string> zones;
  std::vector<std::string> regimes;
  std::uint32_t level = 0;
  std::int64_t second = 0;

  policy::Subject subject() const;  // borrows from this
};

struct Registry {
  std::vector<std::shared_ptr<const routing::Tables>> versions;
  std::vector<Asker> askers;
};

// Fails where a line is not such an object, or one of its versions is no bundle.
Result<Registry> read_registry(std::string_view line);

}  // namespace aigrid::sim
