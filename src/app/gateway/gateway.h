// run_gateway: one gateway process: public API, inner fabric, queues of its site, spool, on as many workers as it is
// told to have. The same entry point serves `main` and the virtual world. Returns the exit code once the Env asks to
// stop and running requests have ended.
#pragma once

#include <cstdint>
#include <string>

#include "core/admission/lease_book.h"
#include "core/dispatch/cadence.h"
#include "core/dispatch/request_life.h"
#include "core/dispatch/site_queue.h"
#include "io/env/env.h"
#include "io/http/web.h"

namespace aigrid::gateway {

struct GatewayOptions {
  std::string state;    // folder, this process's own
  std::string name;     // unique in the grid
  io::Address control;  // control's inner listener
  std::string token;    // join token; needed until the first join succeeded
  std::uint32_t workers = 1;  // event loops, each on a thread of its own
  io::Address public_address = "127.0.0.1:0";
  io::WebCertificate public_tls;   // none: plain, on loopback only
  bool share_public_port = false;  // with the site's other gateways on this machine: whichever lives answers
  io::Address inner = "127.0.0.1:0";
  io::Address ops;               // empty: none
  io::Address advertise_public;  // what others dial; empty: what was bound
  io::Address advertise_inner;
  dispatch::Budget budget;
  dispatch::QueueLimits queue;
  dispatch::Cadence cadence;
  admission::LeaseTimes leases;
  std::size_t max_body_bytes = std::size_t{10} << 20U;  // of a request; more is a 413 before it is read
  // Test hook of the trust promise "a lying gateway is stopped at the node": residency is not filtered at this ingress.
  bool skip_residency = false;
};

io::Task<int> run_gateway(io::Env& env, GatewayOptions options);

}  // namespace aigrid::gateway
