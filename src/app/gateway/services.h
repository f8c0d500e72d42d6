// Services: what the phases of a request share on one worker. Built once by that worker, outlives every request. What
// the process has once (Office), and what its other workers have (Colleague), is reached through doors only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/gateway/agents.h"
#include "app/gateway/audit_spool.h"
#include "app/gateway/badge.h"
#include "app/gateway/board.h"
#include "app/gateway/gateway.h"
#include "app/gateway/ledger_spool.h"
#include "app/gateway/meters.h"
#include "app/gateway/peers.h"
#include "app/gateway/queues.h"
#include "app/gateway/slots.h"
#include "core/access/grant_book.h"
#include "io/env/door.h"

namespace aigrid::gateway {

class AuditLog;
class ControlLink;
class InnerServer;
class LeaseHome;
class Quotas;
class Relays;
struct Services;

// On the main worker.
struct Office {
  io::Door door;
  Services* services;
  ControlLink* control;
  AuditLog* log;
  LeaseHome* leases;
};

// A worker of this process, perhaps oneself.
struct Colleague {
  io::Door door;
  Services* services;
};
using Crew = std::vector<Colleague>;  // by number

struct Services {
  io::Env& env;
  const GatewayOptions& options;
  std::uint32_t worker;
  const Office& office;
  const Crew& crew;  // whole before the first bundle comes
  const Badge& badge;
  Board& board;
  Queues& queues;
  Slots& slots;
  Agents& agents;
  Peers& peers;
  Relays& relays;
  InnerServer& inner;
  LedgerSpool& ledger;
  AuditSpool& audit;
  Meters& meters;
  Quotas& quotas;
  access::GrantBook grants{};
};

}  // namespace aigrid::gateway
