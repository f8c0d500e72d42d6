// Peers: the connections to the gateways of other sites. Of a pair, the lower name dials both kinds (`aigrid/1`, on
// which it asks, and `aigrid/1-r`, on which the other asks), so each side has one connection on which it is the
// requester. On that one we follow the peer's site rows, measure the link, and open attempts. One worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/gateway/board.h"
#include "core/dispatch/cadence.h"
#include "core/resilience/link_estimator.h"
#include "io/client/renewal.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

class Peers {
 public:
  // Serves the requests that a peer makes of us.
  using Serve = std::function<io::Task<void>(std::shared_ptr<io::H2Stream>)>;

  Peers(io::Env& env, Board& board, io::Membership& membership, const dispatch::Cadence& cadence, Serve serve);

  // Dials what the bundle names and we should dial, and leaves whom it no longer names; call after every bundle change.
  void reconcile();
  // A connection on which we ask, made by either side. Returns when it is lost.
  io::Task<void> follow(std::shared_ptr<io::H2Connection> connection, std::string gateway);
  Result<std::shared_ptr<io::H2Stream>> open_attempt(const std::string& site);
  // Can that gateway be asked now? And the question: POST `path`.
  bool reaches(const std::string& gateway) const;
  Result<std::shared_ptr<io::H2Stream>> open_to(const std::string& gateway, std::string path);

  struct LinkSeen {
    std::string site;
    routing::LinkRow row;
  };
  std::vector<LinkSeen> links() const;

 private:
  struct Peer {
    std::string site;
    std::shared_ptr<io::H2Connection> asking;
    resilience::LinkEstimator link;
  };
  io::Task<void> keep_dialling(std::string gateway, std::string alpn);
  io::Task<void> serve_dialled(std::shared_ptr<io::H2Connection> connection);
  io::Task<void> follow_rows(std::shared_ptr<io::H2Connection> connection, std::string gateway, std::string site);
  io::Task<void> measure(std::shared_ptr<io::H2Connection> connection, std::string gateway);
  const grid::Gateway* find(const std::string& gateway) const;
  io::Address address_of(const grid::Gateway& gateway) const;
  void publish_link(const std::string& gateway);

  io::Env& env_;
  Board& board_;
  io::Membership& membership_;
  dispatch::Cadence cadence_;
  Serve serve_;
  std::map<std::string, Peer> peers_;
  std::map<std::string, bool> dialling_;
  std::map<std::string, std::shared_ptr<io::H2Connection>> serving_;  // that we dialled and on which the peer asks
  io::TaskGroup tasks_;
};

}  // namespace aigrid::gateway
