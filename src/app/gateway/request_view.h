// GET /v1/grid/requests/{id} and …/proof: what was decided for a request of the caller's tenant, and the proof that the
// audit log has it. The id names the gateway that keeps it (kept.h). One worker.
#pragma once

#include <string>

#include "app/gateway/phases.h"
#include "io/env/task.h"

namespace aigrid::gateway {

// JSON, or the refusal. `which`: the path behind /v1/grid/requests/.
io::Task<Phase<std::string>> request_shown(Services& services, const Caller& caller, std::string which);

// Another tenant's request and none at all look the same.
openai::ApiError unknown_request(const std::string& id);

}  // namespace aigrid::gateway
