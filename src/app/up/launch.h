// Command lines of a little grid's processes. What each gets: its folder, its addresses, whom to dial; secrets go by
// the environment, which other users cannot read. Pure.
#pragma once

#include <map>
#include <string>

#include "app/up/plan.h"
#include "app/up/remembered.h"
#include "app/up/up.h"

namespace aigrid::up {

struct GatewayAddresses {
  io::Address open;  // the public API
  io::Address inner;
  io::Address ops;
};

struct Addresses {
  io::Address management;
  io::Address control_inner;
  io::Address control_ops;
  std::map<std::string, GatewayAddresses> gateways;  // by name
  std::map<std::string, io::Address> agents_ops;     // by node
  std::map<std::string, io::Address> relays;         // by relay name; where one dials
};

io::ProcessSpec control_process(const std::string& program, const UpOptions& options, const Addresses& at,
                                const Remembered& remembered);
io::ProcessSpec gateway_process(const std::string& program, const UpOptions& options, const Addresses& at,
                                const PlannedGateway& gateway, const std::string& token);
io::ProcessSpec agent_process(const std::string& program, const UpOptions& options, const Addresses& at,
                              const grid::Node& node, const std::string& token, const std::string& engine_secret);

// What stands in STATE/<process>/.
std::string process_folder(const std::string& state, const std::string& process);
std::string process_log(const std::string& state, const std::string& process);

}  // namespace aigrid::up
