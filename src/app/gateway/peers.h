// Peers: one worker's connections to the other gateways, those of other sites and of this one (siblings). Of a pair,
// the lower name dials both kinds (`aigrid/1`, on which it asks, and `aigrid/1-r`, on which the other asks), each of
// its workers one to ask on, and between them one for each of the other's workers: so every worker of either side has
// one connection on which it is the requester. On that one we follow the peer's site rows, measure the link, and open
// attempts. One worker.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/gateway/badge.h"
#include "app/gateway/board.h"
#include "core/dispatch/cadence.h"
#include "core/resilience/link_estimator.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

class Peers {
 public:
  // Serves the requests that a peer makes of us.
  using Serve = std::function<io::Task<void>(std::shared_ptr<io::H2Stream>)>;

  // Siblings are asked for slots and tell their queues' rows; the measures and rows of a site are not theirs.
  struct Siblings {
    std::function<void()> changed;  // who of them can be asked
    std::function<void(const std::string& gateway, const inner::SiteReport& report)> reported;
  };

  // This worker, of so many of its process.
  struct Place {
    std::uint32_t worker = 0;
    std::uint32_t workers = 1;
  };
  Peers(io::Env& env, Board& board, const Badge& badge, Place place, const dispatch::Cadence& cadence, Serve serve,
        Siblings hooks);

  // Dials what the bundle names and we should dial, and leaves whom it no longer names; call after every bundle change.
  void reconcile();
  // Ends every connection, and what is served on it.
  void leave_all();
  // A connection on which we ask, made by either side. `via`: the site that passes its bytes on; empty: direct. Of two
  // to one gateway the direct one is used, and what runs on the other ends there. Returns when it is lost.
  io::Task<void> follow(std::shared_ptr<io::H2Connection> connection, std::string gateway, std::string via = {});
  Result<std::shared_ptr<io::H2Stream>> open_attempt(const std::string& site);
  // Can that gateway be asked now? And the question: POST `path`.
  bool reaches(const std::string& gateway) const;
  Result<std::shared_ptr<io::H2Stream>> open_to(const std::string& gateway, std::string path);
  // The same, only where no third site is between.
  Result<std::shared_ptr<io::H2Stream>> open_direct(const std::string& gateway, std::string path);

  // The gateways of this site that can be asked now, without this one.
  std::vector<grid::Gateway> siblings() const;

  struct LinkSeen {
    std::string gateway;
    std::string site;
    routing::LinkRow row;  // `up`: directly
    std::string via;       // the site that passes it on instead; empty: none
  };
  std::vector<LinkSeen> links() const;

 private:
  struct Peer {
    std::string site;
    std::string via;
    std::shared_ptr<io::H2Connection> asking;
    resilience::LinkEstimator link;
  };
  // A connection that we make: to a worker of a gateway, of one kind.
  struct Dial {
    std::string gateway;
    std::string alpn;
    std::uint32_t worker = 0;
    friend auto operator<=>(const Dial&, const Dial&) = default;
  };
  std::vector<Dial> wanted() const;
  bool wanted(const Dial& dial) const;
  io::Task<void> keep_dialling(Dial dial);
  io::Task<void> follow_rows(std::shared_ptr<io::H2Connection> connection, std::string gateway, std::string site);
  io::Task<void> measure(std::shared_ptr<io::H2Connection> connection, std::string gateway);
  const grid::Gateway* find(const std::string& gateway) const;
  io::Address address_of(const grid::Gateway& gateway) const;
  bool sibling(const Peer& peer) const { return peer.site == board_.site(); }
  void lost(const std::string& gateway, const std::string& site);
  const Peer* best_of(const std::string& site) const;  // null: none is known
  void publish_link(const std::string& site);

  io::Env& env_;
  Board& board_;
  const Badge& badge_;
  Place place_;
  dispatch::Cadence cadence_;
  Serve serve_;
  Siblings hooks_;
  std::string asked_last_;  // gateway: sites with several are asked in turn
  std::map<std::string, Peer> peers_;
  std::set<Dial> dialling_;
  std::map<Dial, std::shared_ptr<io::H2Connection>> serving_;  // that we dialled and on which the peer asks
  io::TaskGroup tasks_;
};

}  // namespace aigrid::gateway
