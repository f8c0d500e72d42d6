// Services: what the parts of a running control plane share. Owned by run_control, outlives every connection's task.
#pragma once

#include "app/control/admins.h"
#include "app/control/authority.h"
#include "app/control/board.h"
#include "app/control/catalog.h"
#include "app/control/publisher.h"
#include "io/client/renewal.h"

namespace aigrid::control {

class AuditLog;

struct Services {
  io::Env& env;
  const ControlOptions& options;
  const Authority& authority;
  io::DatabaseDoor& door;
  Catalog& catalog;
  Publisher& publisher;
  Board& board;
  io::Membership& membership;
  Admins& admins;
  AuditLog& audit;
  std::uint64_t epoch = 0;  // of this start
  std::uint64_t management_requests = 0;
  std::uint64_t work_fresh = 0;  // agents' records
  std::uint64_t records_fresh = 0;
  std::uint64_t records_repeated = 0;
  std::uint64_t records_conflicting = 0;  // came twice with other content
  std::uint64_t records_unknown = 0;      // of a tenant or model that control does not know
  std::uint64_t records_suspect = 0;      // whose counts do not fit
  std::uint64_t requests_closed = 0;      // by control, from what nodes said
  std::uint64_t joins_denied = 0;
  std::uint64_t status_streams = 0;

  health::Current current() const {
    const auto& held = publisher.current();
    return {held ? held->parsed.version : 0, options.limits.status_fresh};
  }
};

}  // namespace aigrid::control
