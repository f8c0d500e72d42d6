// InnerServer: what a worker serves on inner connections. Who connects and with which ALPN fixes who asks: an agent's
// `aigrid/1-r` and a peer's `aigrid/1-r` make us the requester; a peer's `aigrid/1` asks for attempts and rows; an
// agent's `aigrid/1` asks for a renewal; a stranger without certificate may only join. Join and renewal are relayed to
// control untouched. Whoever is not in the bundle is told so, and closed. The main worker listens for all, and hands
// over the connections that are for others. One worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/gateway/services.h"
#include "base/spiffe.h"
#include "io/tls/handover.h"

namespace aigrid::gateway {

class InnerServer {
 public:
  explicit InnerServer(Services& services);

  // The main worker: accepts for ever.
  io::Task<void> run(std::unique_ptr<io::Listener> listener);
  // A connection that the main worker accepted for this one.
  void take(io::Handover& connection);
  // Ends every connection, and what is served on it.
  void leave_all() { tasks_.cancel(); }
  // What a peer may ask of us.
  io::Task<void> serve_peer(std::shared_ptr<io::H2Stream> stream);
  // A new bundle: connections on which we serve somebody who is not in it are closed.
  void reconcile();

 private:
  static constexpr std::size_t kMaxJoinBody = 64 * 1024;

  // TLS, and then as its ALPN says; `relayed`: it came inside another connection, which is this worker's.
  io::Task<void> serve(std::unique_ptr<io::Stream> raw, bool relayed);
  bool full() const { return tasks_.size() >= services_.options.cadence.inner_connections; }
  std::vector<std::string> alpns() const;
  io::Task<void> serve_secured(std::unique_ptr<io::Stream> stream);
  io::Task<void> serve_connection(std::unique_ptr<io::Stream> stream, std::string alpn, std::optional<Spiffe> who);
  io::Task<void> ask_dialler(std::unique_ptr<io::Stream> stream, Spiffe who);
  io::Task<void> serve_dialler(std::unique_ptr<io::Stream> stream, std::optional<Spiffe> who);
  io::Task<void> serve_one(std::shared_ptr<io::H2Stream> stream, std::optional<Spiffe> who);
  io::Task<void> refuse_request(std::shared_ptr<io::H2Stream> stream);
  io::Task<void> serve_relayed(std::shared_ptr<io::H2Stream> stream);
  io::Task<void> serve_rows(std::shared_ptr<io::H2Stream> stream);
  io::Task<void> serve_lease(std::shared_ptr<io::H2Stream> stream, std::string path);
  io::Task<void> relay_to_control(std::shared_ptr<io::H2Stream> stream, std::string path, std::string peer);

  Services& services_;
  std::map<io::H2Connection*, Spiffe> served_;  // with a certificate; before tasks_, whose frames leave it
  io::TaskGroup tasks_;
};

// This site's rows, for its peers.
inner::SiteReport site_report(const Board& board);

// Answers `status` with a JSON problem {"code","message"}.
io::Task<void> answer_problem(std::shared_ptr<io::H2Stream> stream, int status, std::string code, std::string message);

}  // namespace aigrid::gateway
