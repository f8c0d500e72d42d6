// What a gateway keeps of requests, and of its audit log, for who may see it. Gateways of one site share their public
// port, so whoever is asked passes the question to the sibling that has the answer; a gateway of another site is only
// named, as bodies of leaves stay where they are. One worker.
#pragma once

#include <memory>
#include <string>

#include "app/gateway/phases.h"
#include "io/env/task.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

struct KeptAsk {
  std::string gateway;  // whose
  std::string tenant;   // of a request; empty: a file of the audit log is asked for
  std::string which;    // ID or ID/proof; or as AuditLog::part
};

// The answer's body, or the refusal. Whether the asker may is decided before.
io::Task<Phase<std::string>> kept(Services& services, KeptAsk ask);
// POST /inner/kept, for siblings.
io::Task<void> serve_kept(Services& services, std::shared_ptr<io::H2Stream> stream);

}  // namespace aigrid::gateway
