// YAML files of resources: several documents a file, every value with its line. Pure: the caller reads the file.
// Bounded: 1 MiB, 64 levels, 100,000 values after aliases are expanded. Plain `yes`, `no`, `on` are text, not truth
// values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "format/api/resource.h"

namespace aigrid::api {

inline constexpr std::size_t kMaxYamlBytes = std::size_t{1} << 20U;
inline constexpr std::size_t kMaxYamlValues = 100'000;
inline constexpr unsigned kMaxYamlDepth = 64;

struct ParsedFile {
  std::vector<Resource> resources;  // those whose outer shape is right
  std::vector<Problem> problems;    // all of them, in the order of the file
};

// Besides the shape, each resource's own fields are checked (see decode); what it refers to is check.h's.
ParsedFile parse_yaml(const std::string& file, std::string_view text);

}  // namespace aigrid::api
