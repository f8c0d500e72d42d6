// Agents: the connections that this site's agents dialled to us. On each we are the requester: we push bundles, follow
// `/inner/up`, and open attempts. A lost connection is a node lost, at once. One worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/gateway/board.h"
#include "base/spiffe.h"
#include "format/inner/rows.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"
#include "io/http/lines.h"

namespace aigrid::gateway {

class Agents {
 public:
  // `on_news`: an agent came, applied or refused a bundle, or its engines changed state; not every report. Empty: on a
  // worker beside the main one, which pushes no bundles.
  Agents(io::Env& env, Board& board, std::function<void()> on_news);

  // Follows the agent until its connection is lost. A newer connection of the same node replaces the older one.
  io::Task<void> follow(std::shared_ptr<io::H2Connection> connection, Spiffe agent);
  Result<std::shared_ptr<io::H2Stream>> open_attempt(const std::string& node);
  // Tells them of a new bundle; who is not in it is dropped.
  void bundle_changed();

  struct Seen {
    std::uint64_t bundle_version = 0;  // applied by the agent
    std::string bundle_error;
    inner::NodeReport report;
  };
  // Connected agents, by node.
  std::map<std::string, Seen> seen() const;

 private:
  struct Member {
    explicit Member(io::Executor& executor) : bundle_event(executor) {}
    std::shared_ptr<io::H2Connection> connection;
    Spiffe who;
    io::Event bundle_event;
    Seen seen;
    bool refused = false;  // the update sent last
  };
  io::Task<void> follow_up(std::shared_ptr<Member> member, std::string node);
  io::Task<void> push_bundles(std::shared_ptr<Member> member, std::string node);
  io::Task<void> read_answers(std::shared_ptr<Member> member, io::LineReader* lines, std::string node);

  io::Env& env_;
  Board& board_;
  std::function<void()> on_news_;
  std::map<std::string, std::shared_ptr<Member>> members_;
};

}  // namespace aigrid::gateway
