// Engines: this node's share of the bundle made so. For each deployment an Engine: its life is core's
// (placement::EngineLife decides), its process, probe and polls are ours. One worker. An Engine outlives its removal
// while attempts hold it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/agent/agent.h"
#include "app/agent/bundle_follow.h"
#include "app/agent/engine_call.h"
#include "core/ledger/engine_account.h"
#include "core/placement/engine_life.h"
#include "engine/driver.h"
#include "format/inner/rows.h"
#include "grid/usage.h"

namespace aigrid::agent {

// What engines tell their node, on its worker.
struct EngineListener {
  std::function<void()> changed;
  std::function<void(grid::AgentRecord)> worked;  // for no request: deployment, model, finish and usage
};

class Engine {
 public:
  Engine(io::Env& env, const AgentOptions& options, grid::Deployment deployment, grid::Model model,
         EngineListener listener);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const grid::Deployment& deployment() const { return deployment_; }
  const grid::Model& model() const { return model_; }
  const engine::Driver& driver() const { return driver_; }
  const EngineDoor& door() const { return door_; }
  const std::string& model_name() const { return model_name_; }  // as the engine knows it
  bool ready() const { return life_.ready(); }
  bool gone() const { return life_.stopped(); }
  inner::EngineReport report() const;

  // Does the bundle ask for the very engine that this is?
  bool same_as(const grid::Deployment& deployment, const grid::Model& model) const;
  void start();
  void stop();
  void stop_when_idle();  // once no attempt runs on it

  // An attempt takes a slot; false: all are taken.
  bool take_slot();
  void give_slot();
  std::uint32_t running() const { return running_; }
  void count(const grid::Usage& usage);  // of an attempt, which has a record of its own
  // Its own counters are read, and ours alone: what no attempt has of them is written down apart.
  bool counts_itself() const { return !adopted_ && load_.prompt_tokens.has_value(); }
  // Streams with usage, until it said that it does not know them.
  bool takes_stream_options() const { return stream_options_; }
  void refuses_stream_options();

 private:
  io::Task<void> live();
  void carry_out(const placement::EngineAction& action);
  io::Task<void> launch();
  io::Task<Result<void>> start_process();
  Result<void> choose_door();
  Result<void> adopt_door();
  io::Task<void> probe();
  io::Task<void> watch();
  io::Task<Result<engine::Load>> read_load();
  void claim(const engine::Load& load);
  void worked(const char* finish, const grid::Usage& usage);

  io::Env& env_;
  const AgentOptions& options_;
  const grid::Deployment deployment_;
  const grid::Model model_;
  const engine::Driver& driver_;
  const bool adopted_;
  EngineListener listener_;
  placement::EngineLife life_;
  EngineDoor door_;
  std::string door_error_;  // of an adopted one: its url is wrong
  std::string model_name_;
  std::string file_stem_;  // state/engines/<deployment>
  engine::Load load_;
  ledger::EngineAccount account_;
  std::uint32_t running_ = 0;
  std::uint64_t turns_ = 0;  // grows with every attempt that begins or ends
  bool stop_when_idle_ = false;
  bool stream_options_ = true;
  std::unique_ptr<io::Process> process_;
  std::unique_ptr<io::Timer> alarm_;
  io::Channel<placement::EngineEvent> inbox_;
  io::TaskGroup asking_;  // the probe or the watch
  io::TaskGroup living_;  // the state machine, the launch and the wait for its end; last: its frames use all above
};

class Engines {
 public:
  Engines(io::Env& env, const AgentOptions& options, EngineListener listener);

  // Starts what is new, stops what is no longer asked for, and what this site may not run by the node's own bundle.
  void reconcile(const View& view, const std::string& site);
  // Null: not on this node.
  std::shared_ptr<Engine> find(const std::string& deployment) const;
  std::vector<inner::EngineReport> reports() const;
  // OK when every engine of the bundle is ready; else which is not, and why.
  Result<void> all_ready() const;
  std::uint32_t running() const;
  // Ends all; returns when no process is left.
  io::Task<void> stop_all();

 private:
  void sweep();

  io::Env& env_;
  const AgentOptions& options_;
  EngineListener listener_;
  std::map<std::string, std::shared_ptr<Engine>> engines_;
  std::map<std::string, std::string> forbidden_;  // deployments that do not run here, and why
  std::vector<std::shared_ptr<Engine>> leaving_;
  io::Event left_;
};

// A slot of an engine, held while this lives.
class SlotHold {
 public:
  SlotHold() = default;
  explicit SlotHold(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}
  SlotHold(SlotHold&&) noexcept = default;
  SlotHold& operator=(SlotHold&&) = delete;
  ~SlotHold() {
    if (engine_) engine_->give_slot();
  }

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace aigrid::agent
