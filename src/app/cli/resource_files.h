// Resources out of files and folders of YAML, with every problem of all of them.
#pragma once

#include <string>
#include <vector>

#include "format/api/resource.h"
#include "format/api/yaml.h"
#include "io/env/env.h"

namespace aigrid::cli {

// A folder gives its *.yaml and *.yml files in the order of their names. Errors: what cannot be read, or holds nothing.
Result<api::ParsedFile> read_resources(io::Files& files, const std::vector<std::string>& paths);

// {"resources":[…]} for POST /api/v1/apply.
std::string apply_body(const std::vector<api::Resource>& resources);
// The problems of an answer to it; empty when it is of another shape.
std::vector<std::string> problems_of(std::string_view body);

}  // namespace aigrid::cli
