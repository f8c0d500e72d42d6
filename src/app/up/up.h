// run_up: a little grid on one machine: control, a gateway per site and an agent per node as processes of the same
// program, each with its own folder, started with a URL and a join token; and between them relays that make distance
// felt. run_down, run_link, run_restart: talk to a running one. All return exit codes; notes go through the Writer.
// State: STATE/<process>/ belongs to that process; STATE/up/ to this one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/cli/writer.h"
#include "io/env/env.h"

namespace aigrid::up {

// Every number of `up`. One source of defaults; tests set their own.
struct UpLimits {
  Duration control_start = 20s;
  Duration ready_within = 90s;  // gateways route, engines answer
  Duration look_every = 50ms;   // while waiting
  Duration apply_within = 30s;
  Duration ask_within = 5s;  // a short question to a process of ours
  Duration chat_within = 60s;
  Duration stop_within = 10s;                       // after SIGTERM; then SIGKILL
  Duration dial_within = 5s;                        // of a relay, to its target
  Duration detach_within = 150s;                    // until the detached grid is ready
  double control_rtt_ms = 10;                       // from a site to control, where no Link says otherwise
  std::size_t relay_bytes = std::size_t{4} << 20U;  // under way in one direction of one connection
  std::size_t relay_piece = std::size_t{64} << 10U;
  std::size_t answer_bytes = std::size_t{1} << 20U;
  int most_gateways = 8;    // of one site
  int first_port = 10'000;  // below the ports the system lends to outgoing connections
  int last_port = 32'000;
  int token_seconds = 600;
  int chat_tokens = 40;
  std::string question = "What is the capital of France?";
};

struct UpOptions {
  std::string config = "examples/europe";
  std::string state = ".dev/state";
  std::string python;
  std::string models;
  std::string engines = "engines";
  std::map<std::string, int> gateways;  // by site, where more than one: they share its public port
  std::uint32_t workers = 1;            // of each gateway
  bool detach = false;
  bool json = false;
  bool no_chat = false;
  bool supervised = false;  // this is the detached one
  UpLimits limits;
};

struct DownOptions {
  std::string state = ".dev/state";
  UpLimits limits;
};

struct LinkOptions {
  std::string state = ".dev/state";
  std::string a;
  std::string b;
  std::string command;  // of the relay: delay N [jitter M] | cut | restore | show
  UpLimits limits;
};

struct RestartOptions {
  std::string state = ".dev/state";
  std::string name;
  UpLimits limits;
};

io::Task<int> run_up(io::Env& env, cli::Writer& writer, UpOptions options);
io::Task<int> run_down(io::Env& env, cli::Writer& writer, DownOptions options);
io::Task<int> run_link(io::Env& env, cli::Writer& writer, LinkOptions options);
io::Task<int> run_restart(io::Env& env, cli::Writer& writer, RestartOptions options);

}  // namespace aigrid::up
