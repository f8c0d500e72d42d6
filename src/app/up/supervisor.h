// Supervisor: brings a little grid up, step by step, and takes it down. Owns its processes and relays. One worker.
// Errors of bring_up are for people: what did not work, why, and where more is written.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/ask_chat.h"
#include "app/up/children.h"
#include "app/up/engines_status.h"
#include "app/up/launch.h"
#include "app/up/ports.h"
#include "app/up/relay.h"
#include "app/up/report.h"
#include "io/client/management.h"

namespace aigrid::up {

class Supervisor {
 public:
  Supervisor(io::Env& env, cli::Writer& writer, const UpOptions& options);

  // Until every gateway routes and every engine answers.
  io::Task<Result<GridReport>> bring_up();
  // One real request; nullopt where no chat model is deployed.
  io::Task<Result<std::optional<cli::ChatOutcome>>> ask(const GridReport& report);
  io::Task<void> stop();
  // Of the supervisor's own socket: restart NAME | show.
  std::string command(std::string_view line);
  // Who runs here, so that `down` knows when all have gone.
  void write_marks();

 private:
  Result<void> prepare();
  Result<void> pick_addresses();
  Result<void> start_relays();
  Result<void> start_relay(const PlannedLink& link, const io::Address& listen, const io::Address& target);
  Result<void> save();
  io::Task<Result<void>> start_control();
  io::Task<Result<void>> apply();
  io::Task<Result<std::string>> token(const char* role, const std::string& site, const std::string& name);
  io::Task<Result<void>> start_members();
  Result<void> start_member(const std::string& process, io::ProcessSpec spec);
  io::Task<Result<void>> make_keys();
  io::Task<Result<void>> make_key(const std::string& tenant);
  io::Task<Result<EnginesStatus>> wait_ready();
  io::Task<Result<std::vector<std::string>>> unready_gateways();
  GridReport report(const EnginesStatus& engines) const;
  Result<void> nobody_died() const;
  void died(const std::string& name, io::ExitStatus status);
  void done(const std::string& what);

  io::Env& env_;
  cli::Writer& writer_;
  const UpOptions& options_;
  std::string program_;
  Remembered remembered_;
  Plan plan_;
  Addresses at_;
  Time step_;
  bool up_ = false;
  std::vector<std::string> deaths_;  // before it was up
  std::optional<io::ManagementClient> management_;
  std::map<std::string, std::vector<std::unique_ptr<Relay>>> relays_;  // by link name: one for each it leads to
  Children children_;
  io::TaskGroup sockets_;
};

}  // namespace aigrid::up
