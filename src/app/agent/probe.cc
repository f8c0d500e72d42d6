#include "app/agent/agent.h"
#include "app/agent/telemetry.h"

namespace aigrid::agent {

io::Task<std::string> probe_machine(io::Env& env, ProbeOptions options) {
  Telemetry telemetry(env, options.system_root, options.disk);
  inner::NodeReport report;
  report.node = "this machine";
  auto gpus = co_await env.gpus();
  telemetry.read(gpus);
  co_await env.sleep_for(placement::AgentCadence{}.telemetry_every);  // rates take two readings
  gpus = co_await env.gpus();
  telemetry.read(gpus);
  telemetry.fill(report, nullptr);
  co_return inner::encode(report);
}

}  // namespace aigrid::agent
