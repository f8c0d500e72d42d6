// run_control: the control plane as one process: management API, inner listener for gateways, ops listener, one
// database, one certificate authority, one publisher of signed bundles. Thin: what is decided is decided in core and
// format/api. Returns 0 after stop_requested, 1 when it cannot start (the log says why). One worker. Its state
// directory is its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.h"
#include "core/ledger/terms.h"
#include "io/env/env.h"
#include "io/http/web.h"

namespace aigrid::control {

// Every number of the control plane. One source of defaults; tests set their own.
struct ControlLimits {
  Duration root_lifetime = std::chrono::hours(24 * 3650);
  Duration gather_changes = 20ms;  // a publish waits this long for further writes
  Duration publish_retry = 1s;
  std::size_t history_versions = 64;  // whose texts can still be a base of a delta
  std::size_t history_bytes = std::size_t{128} << 20U;
  std::size_t body_bytes = std::size_t{64} << 20U;       // of a management request
  std::size_t inner_body_bytes = std::size_t{8} << 20U;  // of a join, a renewal, a batch of records
  Duration bookmark_every = 15s;                         // of an idle watch
  std::size_t watch_batch = 500;
  Duration status_fresh = 5s;  // a gateway or node not heard of for longer is not connected
  std::size_t connections = 10'000;
  Duration inner_ping_every = 5s;  // a gateway that vanished without a word is noticed
  Duration inner_ping_within = 5s;
  Duration attempts_every = 500ms;               // attempts are held against the records of their requests
  Duration audit_pass = 1h;                      // how long an export may take
  Duration orphans_every = 30s;                  // requests without a terminal record are looked for
  Duration orphan_grace = ledger::kOrphanGrace;  // after a node's last word on them
  Duration accept_retry = 100ms;                 // out of descriptors: the next one may fit
};

struct ControlOptions {
  std::string state;
  io::Address management;
  io::WebCertificate management_tls;  // none: plain, on loopback only
  io::Address inner;
  io::Address ops;
  std::string grid = "aigrid";
  std::string admin_key;  // empty: read from the state directory, or made there
  Duration certificate_lifetime = std::chrono::hours(36);
  ControlLimits limits;
};

io::Task<int> run_control(io::Env& env, ControlOptions options);

}  // namespace aigrid::control
