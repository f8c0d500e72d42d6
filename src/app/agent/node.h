// Node: everything of one running agent, built bottom up and destroyed in reverse. One worker. For this folder only.
#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "app/agent/agent.h"
#include "app/agent/attempt.h"
#include "app/agent/bundle_follow.h"
#include "app/agent/counters.h"
#include "app/agent/engines.h"
#include "app/agent/reports.h"
#include "app/agent/telemetry.h"
#include "app/agent/work_records.h"
#include "io/client/inner_dial.h"
#include "io/client/renewal.h"
#include "io/http/h2_connection.h"

namespace aigrid::agent {

class Node {
 public:
  Node(io::Env& env, const AgentOptions& options, std::unique_ptr<io::Membership> membership,
       std::unique_ptr<WorkRecords> records);
  // Until a stop is asked for; `ops` may be null.
  io::Task<int> run(std::unique_ptr<io::Listener> ops);

 private:
  io::Task<void> drain();
  // A connection to one worker of one gateway of the site, kept for as long as the bundle names it.
  struct Door {
    std::string gateway;  // empty: whoever answers at the address we were given
    std::uint32_t worker = 0;
    friend auto operator<=>(const Door&, const Door&) = default;
  };
  void open_doors();
  io::Task<void> keep_connected(Door door);
  // Whom we reached; false: not whom this door is for.
  bool reached(Door& door, const std::string& identity, bool at_given);
  std::optional<io::Address> address_of(const Door& door) const;
  const grid::Gateway* find(const std::string& gateway) const;
  io::InnerDial dial(io::Address to, std::string alpn) const;
  // A gateway that can be asked, best one that is connected.
  io::Address any_door() const;
  io::Task<Result<std::unique_ptr<io::H2Connection>>> dial_to_ask();
  io::Task<Result<io::RenewAnswer>> renew(std::string csr);
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream);
  io::Task<void> read_telemetry();
  void write_work(grid::AgentRecord record);  // of no request
  inner::NodeReport report() const;
  Result<void> ready() const;
  std::string metrics() const;

  io::Env& env_;
  const AgentOptions options_;
  std::unique_ptr<io::Membership> membership_;
  Counters counters_;
  std::unique_ptr<WorkRecords> records_;
  BundleFollow bundle_;
  Engines engines_;
  Telemetry telemetry_;
  Reports reports_;
  Services services_;
  bool running_ = false;
  std::string given_;                     // the gateway that answers at options.gateway, once that is known
  std::set<Door> doors_;                  // kept, connected or not
  std::multiset<std::string> connected_;  // gateways
  io::TaskGroup tasks_;                   // last: its frames use all above
};

}  // namespace aigrid::agent
