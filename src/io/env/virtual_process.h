// VirtualInstance: one life of a simulated process: its tasks, its Envs (one per worker), its children. Death has two
// steps: at once its sockets and mailboxes; then, never inside one of its own tasks, its frames.
// VirtualHost: the machine it runs on, which survives it: place, disk, clock, log.
#pragma once

#include <map>
#include <optional>

#include "io/env/virtual_disk.h"
#include "io/env/virtual_network.h"

namespace aigrid::io {

class VirtualEnv;
class VirtualInstance;
struct VirtualHost;

// What instances need of the world.
struct VirtualSite {
  explicit VirtualSite(std::uint64_t seed, WorldOptions options) : core(seed, std::move(options)), network(core) {}
  VirtualCore core;
  VirtualNetwork network;
  std::map<std::string, Program> programs;
  std::vector<std::unique_ptr<VirtualInstance>> instances;  // of all times, oldest first
  int last_pid = 1000;
};

struct VirtualHost {
  VirtualHost(VirtualCore& core, Place p) : place(std::move(p)), disk(core) {}
  Place place;
  VirtualDisk disk;
  Duration clock_step{0};
  std::string log;
  std::map<std::string, std::string> variables;
  std::vector<GpuReading> gpus;
  VirtualInstance* instance = nullptr;
};

class VirtualProcess;

class VirtualInstance final : Ready {
 public:
  VirtualInstance(VirtualSite& site, VirtualHost& host, const ProcessSpec& spec);
  ~VirtualInstance();

  VirtualEnv& main() { return *envs_.front(); }
  void spawn(std::function<Task<void>(Env&)> body);
  void add_worker(std::function<Task<void>(Env&)> body);
  void run_program(Program program, ProcessSpec spec);
  Result<std::unique_ptr<Process>> start(const ProcessSpec& spec);
  void signal(int number);
  void request_stop();
  void end(ExitStatus status);
  // Destroys what is left of the dead, now. Not from inside a task of the world.
  void bury();
  void write_log(std::string_view line);

  VirtualSite& site;
  VirtualHost& host;
  const int pid;
  const std::string folder;
  std::map<std::string, std::string> variables;
  bool alive = true;
  ExitStatus status;
  VirtualProcess* watcher = nullptr;

 private:
  void run() noexcept override { bury(); }
  VirtualEnv& add_env();
  void append_output(std::string_view line);

  std::string output_file_;
  std::vector<std::unique_ptr<VirtualEnv>> envs_;
  std::vector<VirtualInstance*> children_;
  bool asked_to_stop_ = false;
  TaskGroup tasks_;  // last: goes first
};

// The parent's hold on a child.
class VirtualProcess final : public Process {
 public:
  VirtualProcess(VirtualInstance& child, Executor& executor);
  ~VirtualProcess() override;
  int pid() const override { return child_.pid; }
  Task<ExitStatus> wait() override;
  void signal(int number) override { child_.signal(number); }
  void child_ended() { ended_.set(); }

 private:
  VirtualInstance& child_;
  Event ended_;
};

}  // namespace aigrid::io
