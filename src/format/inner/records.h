// Records as JSON lines: in the spools of gateways and agents, on `POST /inner/records`, in control's store. The
// outcome is a word.
// Pure, any thread. Errors: InvalidArgument (not JSON, wrong type, no identity).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "grid/usage.h"

namespace aigrid::inner {

std::string_view to_string(grid::Outcome outcome);  // "finished" | "client_gone" | …

std::string encode(const grid::Record& record);  // one line with its newline
Result<grid::Record> decode_record(std::string_view line);

std::string encode(const grid::AgentRecord& record);  // one line with its newline; its "kind" is "attempt"
Result<grid::AgentRecord> decode_agent_record(std::string_view line);

}  // namespace aigrid::inner
