// audit export, audit verify: an audit log as a folder of files, fetched from whoever keeps it, and judged with no
// network and no trust in the grid. One worker. Errors: for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/audit/folder.h"
#include "app/cli/commands.h"

namespace aigrid::cli {

// What a verdict says, one line a log and a finding.
std::string verdict_text(const audit::FolderVerdict& verdict);
nlohmann::json verdict_json(const audit::FolderVerdict& verdict);

}  // namespace aigrid::cli
