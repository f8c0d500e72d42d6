// Node: everything of one running agent, built bottom up and destroyed in reverse. One worker. For this folder only.
#pragma once

#include <memory>
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
  io::Task<void> keep_connected();
  io::InnerDial dial(std::string alpn) const;
  io::Task<Result<std::unique_ptr<io::H2Connection>>> dial_to_ask();
  io::Task<Result<io::RenewAnswer>> renew(std::string csr);
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream);
  io::Task<void> read_telemetry();
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
  bool connected_ = false;
  io::TaskGroup tasks_;  // last: its frames use all above
};

}  // namespace aigrid::agent
