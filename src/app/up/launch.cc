#include "app/up/launch.h"

#include <string>
#include <utility>

namespace aigrid::up {

namespace {

io::ProcessSpec base(const std::string& program, const char* command, const UpOptions& options,
                     const std::string& process) {
  io::ProcessSpec spec;
  spec.argv = {program, command, "--state", process_folder(options.state, process)};
  spec.output_file = process_log(options.state, process);
  return spec;
}

void add(io::ProcessSpec& spec, const char* flag, const std::string& value) {
  if (value.empty()) return;
  spec.argv.emplace_back(flag);
  spec.argv.push_back(value);
}

}  // namespace

std::string process_folder(const std::string& state, const std::string& process) { return state + "/" + process; }
std::string process_log(const std::string& state, const std::string& process) {
  return process_folder(state, process) + "/log";
}

io::ProcessSpec control_process(const std::string& program, const UpOptions& options, const Addresses& at,
                                const Remembered& remembered) {
  io::ProcessSpec spec = base(program, "control", options, "control");
  add(spec, "--management", at.management);
  add(spec, "--inner", at.control_inner);
  add(spec, "--ops", at.control_ops);
  spec.env = {{"AIGRID_ADMIN_KEY", remembered.admin_key}};
  return spec;
}

io::ProcessSpec gateway_process(const std::string& program, const UpOptions& options, const Addresses& at,
                                const PlannedGateway& gateway, const std::string& token) {
  io::ProcessSpec spec = base(program, "gateway", options, gateway_process(gateway.name));
  const GatewayAddresses& own = at.gateways.at(gateway.name);
  add(spec, "--name", gateway.name);
  add(spec, "--control", at.relays.at(PlannedLink{gateway.site, "control", 0}.name()));
  add(spec, "--public-address", own.open);
  add(spec, "--inner", own.inner);
  add(spec, "--ops", own.ops);
  if (options.workers > 1) add(spec, "--workers", std::to_string(options.workers));
  if (gateway.shares_port) spec.argv.emplace_back("--share-public-port");
  spec.env = {{"AIGRID_JOIN_TOKEN", token}, {"AIGRID_ADMIN_KEY", ""}};
  return spec;
}

io::ProcessSpec agent_process(const std::string& program, const UpOptions& options, const Addresses& at,
                              const grid::Node& node, const std::string& token, const std::string& engine_secret) {
  io::ProcessSpec spec = base(program, "agent", options, agent_process(node.name));
  add(spec, "--name", node.name);
  add(spec, "--gateway", at.gateways.at(node.site).inner);
  add(spec, "--ops", at.agents_ops.at(node.name));
  add(spec, "--python", options.python);
  add(spec, "--engines-folder", options.engines);
  add(spec, "--models-folder", options.models);
  spec.env = {{"AIGRID_JOIN_TOKEN", token}, {"AIGRID_ENGINE_SECRET", engine_secret}, {"AIGRID_ADMIN_KEY", ""}};
  return spec;
}

}  // namespace aigrid::up
