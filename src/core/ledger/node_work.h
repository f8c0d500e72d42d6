// Node work: records of what nodes did that no request's own record has. A node's readiness probes, what its engine
// made after a caller had left, and attempts of which the ingress never heard the end: nobody is charged for any of
// them, and each is waived at the site's expense, so that an engine's counters and the ledger are the same number.
// Pure, any thread.
#pragma once

#include <optional>
#include <string>

#include "grid/usage.h"

namespace aigrid::ledger {

// AgentRecord::finish of work that belongs to no request.
inline constexpr const char* kProbe = "probe";          // asks whether the model answers
inline constexpr const char* kUnclaimed = "unclaimed";  // in the engine's counters, and in no record

bool of_no_request(const grid::AgentRecord& work);

// These come from the agent's record alone, and so carry its identity: whoever makes them again gets the same record.
// `work`: of no request; its tenant is the platform.
grid::Record record_of(const grid::AgentRecord& work);
// What `attempt` says was done beyond what the terminal record of its request has of it. Nothing: they agree.
std::optional<grid::Record> shortfall(const grid::Record& terminal, const grid::AgentRecord& attempt);

}  // namespace aigrid::ledger
