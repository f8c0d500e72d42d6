// One exchange with an engine over HTTP/1.1, on a connection of its own: engines close after a stream without saying
// so, and closing is how work is aborted. One worker. Errors: those of io/http/client.h.
#pragma once

#include <string>

#include "engine/driver.h"
#include "io/http/client.h"

namespace aigrid::agent {

// Where an engine listens and what it must be shown.
struct EngineDoor {
  io::Address address;
  std::string host;    // for the Host header
  std::string prefix;  // before the driver's paths
  std::string secret;  // empty: none
};

io::Task<Result<io::ClientResponse>> call_engine(io::Env& env, EngineDoor door, engine::Request request,
                                                 io::ClientTimes times);
// The same, with the whole answer.
io::Task<Result<io::WholeResponse>> ask_engine(io::Env& env, EngineDoor door, engine::Request request, Duration within,
                                               std::size_t limit = std::size_t{1} << 20U);

}  // namespace aigrid::agent
