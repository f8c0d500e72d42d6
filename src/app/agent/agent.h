// The agent: one per node. Joins through its gateway, dials it, and serves on that connection: bundles, reports,
// attempts. Makes the node's part of the bundle so: starts, probes, restarts and stops engines. Decides residency again
// from its own bundle. Starts and serves from the last bundle on disk when gateway and control are gone. One worker.
// Returns 0 after a graceful stop (env.stop_requested()), 1 when it could not start; why is in the log.
#pragma once

#include <cstddef>
#include <string>

#include "base/time.h"
#include "core/placement/engine_life.h"
#include "io/env/env.h"

namespace aigrid::agent {

// Every number of the agent's own; those of an engine's life are core's.
struct Cadence {
  Duration report_every = 100ms;
  Duration engine_poll_every = 500ms;
  Duration engine_poll_within = 2s;
  Duration telemetry_every = 1s;
  Duration drain_within = 30s;  // a graceful stop waits so long for running attempts
  // A whole (not streamed) answer comes in one piece, perhaps after minutes: an engine that has not refused after
  // `accept_after` has accepted, and `still_working` is how often we say so afterwards.
  Duration accept_after = 2s;
  Duration still_working = 5s;
  Duration answer_within = 600s;  // the gateway cancels earlier; this is for one that forgot
  Duration ping_every = 1s;
  Duration ping_within = 5s;
  std::size_t request_body_bytes = std::size_t{64} << 20U;
  std::size_t answer_bytes = std::size_t{64} << 20U;  // of a whole answer
};

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
  Cadence cadence;
  placement::EngineLimits engine;
};

io::Task<int> run_agent(io::Env& env, AgentOptions options);

}  // namespace aigrid::agent
