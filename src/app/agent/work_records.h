// WorkRecords: what this node did, one record an attempt, in a spool on its own disk and from there, through its
// gateway, to control: so that work is known even where the ingress that asked for it is lost. Shipped on a connection
// of its own, dialled when there is something; forgotten when control has it. With a full disk records wait in memory,
// so many; the rest is counted as lost. One worker.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/placement/agent_cadence.h"
#include "grid/usage.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"
#include "io/store/spool.h"

namespace aigrid::agent {

class WorkRecords {
 public:
  using Dial = std::function<io::Task<Result<std::unique_ptr<io::H2Connection>>>()>;

  // Of this start of `node`: below its state.
  static Result<std::unique_ptr<WorkRecords>> open(io::Env& env, const std::string& state, std::string node,
                                                   std::string site, const placement::AgentCadence& cadence);

  // Identity, place and time are filled in here.
  void write(grid::AgentRecord record);
  // For ever.
  io::Task<void> ship(Dial dial);

  std::uint64_t backlog() const { return spool_->backlog() + homeless_.size(); }
  std::uint64_t lost() const { return lost_; }

 private:
  WorkRecords(io::Env& env, std::string node, std::string site, const placement::AgentCadence& cadence)
      : env_(env), node_(std::move(node)), site_(std::move(site)), cadence_(cadence) {}
  void settle();
  io::Task<bool> ship_on(io::H2Connection& connection);

  io::Env& env_;
  const std::string node_;
  const std::string site_;
  const placement::AgentCadence cadence_;
  std::uint64_t epoch_ = 0;
  std::uint64_t lost_ = 0;
  std::deque<grid::AgentRecord> homeless_;
  std::unique_ptr<io::Spool> spool_;
};

}  // namespace aigrid::agent
