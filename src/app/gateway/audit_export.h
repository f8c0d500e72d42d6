// GET /v1/grid/audit/GATEWAY/…, with a pass of control's: the whole audit log of that gateway, for export, in the files
// of app/audit/folder.h: `log` says what it is, then `checkpoints/SIZE` (those from this size on, some at a time),
// `tile/…`, `bundles/HASH`. One worker.
#pragma once

#include <string>
#include <string_view>

#include "app/gateway/services.h"
#include "io/http/server.h"

namespace aigrid::gateway {

inline constexpr std::string_view kAuditPath = "/v1/grid/audit/";

// `which`: the path behind that.
io::Task<void> serve_audit(Services& services, io::Exchange& exchange, std::string which);

}  // namespace aigrid::gateway
