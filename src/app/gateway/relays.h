// Relays: a way round a dead link between two living sites. A gateway that no direct link reaches is looked for through
// a third: bytes of an ordinary inner connection, TLS from end to end, are passed on by that one, which can neither
// read nor change them. One hop: only a direct connection is passed on over. Whether a request may take the way is
// decided for each by the ingress (routing::RouteInput::relay) and again by the site it arrives at. One worker.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "app/gateway/badge.h"
#include "app/gateway/board.h"
#include "app/gateway/peers.h"
#include "io/client/backoff.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

class Relays {
 public:
  Relays(io::Env& env, Board& board, Peers& peers, const Badge& badge, const dispatch::Cadence& cadence);

  // Looks for ways to whom no link reaches, for as long as the gateway lives.
  io::Task<void> run();
  // A peer asks us to pass its bytes on to `gateway`.
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream, std::string gateway);

 private:
  struct Sought {
    io::Backoff backoff;
    Time next{};
    bool under_way = false;
  };
  Sought& sought_for(const std::string& gateway);
  io::Task<void> reach(std::string gateway, std::string site);
  // A connection to `gateway` through gateway `third` of site `via`.
  io::Task<Result<std::shared_ptr<io::H2Connection>>> dial(std::string gateway, std::string site, std::string third,
                                                           std::string via);
  io::Task<Result<void>> accepted(std::shared_ptr<io::H2Stream> stream);
  std::vector<std::pair<std::string, std::string>> thirds(const std::string& site) const;  // gateway, its site

  io::Env& env_;
  Board& board_;
  Peers& peers_;
  const Badge& badge_;
  dispatch::Cadence cadence_;
  std::map<std::string, Sought> sought_;
  io::TaskGroup tasks_;
};

}  // namespace aigrid::gateway
