// Services: what the phases of a request share on one worker. Built once by run_gateway, outlives every request.
#pragma once

#include <memory>
#include <string>

#include "app/gateway/agents.h"
#include "app/gateway/audit_log.h"
#include "app/gateway/board.h"
#include "app/gateway/gateway.h"
#include "app/gateway/ledger_spool.h"
#include "app/gateway/meters.h"
#include "app/gateway/peers.h"
#include "app/gateway/queues.h"
#include "app/gateway/slots.h"
#include "core/access/grant_book.h"

namespace aigrid::gateway {

class Quotas;
class Relays;

struct Services {
  io::Env& env;
  const GatewayOptions& options;
  Board& board;
  Queues& queues;
  Slots& slots;
  Agents& agents;
  Peers& peers;
  Relays& relays;
  LedgerSpool& ledger;
  AuditLog& audit;
  Meters& meters;
  Quotas& quotas;
  access::GrantBook grants{};
};

}  // namespace aigrid::gateway
