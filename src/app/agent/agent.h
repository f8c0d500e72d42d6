// The agent: one per node. Joins through its gateway, dials it, and serves on that connection: bundles, reports,
// attempts. Makes the node's part of the bundle so: starts, probes, restarts and stops engines. Decides residency again
// from its own bundle. Starts and serves from the last bundle on disk when gateway and control are gone. One worker.
// Returns 0 after a graceful stop (env.stop_requested()), 1 when it could not start; why is in the log.
#pragma once

#include <string>

#include "core/placement/agent_cadence.h"
#include "core/placement/engine_life.h"
#include "io/env/env.h"

namespace aigrid::agent {

struct AgentOptions {
  std::string state;
  std::string name;
  io::Address gateway;  // its inner address
  std::string token;    // first start only
  io::Address ops;      // "" : none
  std::string python;
  std::string engines_folder;
  std::string models_folder;
  std::string engine_secret;  // for engines it starts; empty: a fresh one each start
  std::string system_root;    // where /proc and /sys are; empty: "/"
  placement::AgentCadence cadence;
  placement::EngineLimits engine;
  // Test hook of the trust promise "a gateway never sends what may not be here": this node asks no questions.
  bool skip_residency = false;
};

// What an agent would report of this machine, as one line of JSON: readings, and null where there is none.
struct ProbeOptions {
  std::string disk = "/";   // a path on the disk whose fill counts
  std::string system_root;  // where /proc and /sys are; empty: "/"
};
io::Task<std::string> probe_machine(io::Env& env, ProbeOptions options);

io::Task<int> run_agent(io::Env& env, AgentOptions options);

}  // namespace aigrid::agent
