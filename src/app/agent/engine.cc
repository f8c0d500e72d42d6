#include <algorithm>
#include <array>
#include <utility>

#include "app/agent/engine_log.h"
#include "app/agent/engines.h"
#include "app/agent/model_file.h"
#include "base/crypto/encode.h"
#include "core/ledger/node_work.h"
#include "engine/registry.h"
#include "format/metrics/exposition.h"

namespace aigrid::agent {

namespace {

constexpr std::size_t kSocketPath = 100;  // sun_path holds 108

std::string fresh_secret(io::Env& env) {
  std::array<char, 24> bytes{};
  env.entropy(bytes);
  return crypto::hex({bytes.data(), bytes.size()});
}

std::uint64_t seed_of(io::Env& env) {
  std::array<char, 8> bytes{};
  env.entropy(bytes);
  std::uint64_t seed = 0;
  for (const char c : bytes) seed = (seed << 8U) | static_cast<unsigned char>(c);
  return seed;
}

std::string describe(const io::ExitStatus& status) {
  return status.signal != 0 ? "the engine was ended by signal " + std::to_string(status.signal)
                            : "the engine exited with code " + std::to_string(status.code);
}

inner::Reading reading(const std::optional<double>& value) { return {value.has_value(), value.value_or(0), false}; }

constexpr int kPolite = 15;  // SIGTERM
constexpr int kFinal = 9;    // SIGKILL

}  // namespace

Engine::Engine(io::Env& env, const AgentOptions& options, grid::Deployment deployment, grid::Model model,
               EngineListener listener)
    : env_(env),
      options_(options),
      deployment_(std::move(deployment)),
      model_(std::move(model)),
      driver_(engine::driver_of(deployment_.driver)),
      adopted_(!deployment_.url.empty()),
      listener_(std::move(listener)),
      life_(options.engine, adopted_, seed_of(env)),
      model_name_(model_.name),
      file_stem_(options.state + "/engines/" + deployment_.name),
      inbox_(env.executor()),
      asking_(env.executor()),
      living_(env.executor()) {
  if (const auto it = deployment_.arguments.find("model"); adopted_ && it != deployment_.arguments.end()) {
    model_name_ = it->second;
  }
  alarm_ = env_.timer([this] { inbox_.push(placement::engine_event::Alarm{}); });
}

bool Engine::same_as(const grid::Deployment& d, const grid::Model& m) const {
  return d.model == deployment_.model && d.driver == deployment_.driver && d.url == deployment_.url &&
         d.secret_env == deployment_.secret_env && d.slots == deployment_.slots &&
         d.context_tokens == deployment_.context_tokens && d.arguments == deployment_.arguments &&
         m.source == model_.source && m.sha256 == model_.sha256 && m.task == model_.task;
}

void Engine::start() {
  if (adopted_) {
    if (auto door = adopt_door(); !door.ok()) door_error_ = door.error().message;
  }
  inbox_.push(placement::engine_event::Start{});
  living_.spawn(live());
}

void Engine::stop() { inbox_.push(placement::engine_event::Stop{}); }

void Engine::stop_when_idle() {
  stop_when_idle_ = true;
  if (running_ == 0) stop();
}

bool Engine::take_slot() {
  if (running_ >= deployment_.slots) return false;
  ++running_;
  ++turns_;
  listener_.changed();
  return true;
}

void Engine::give_slot() {
  --running_;
  ++turns_;
  listener_.changed();
  if (stop_when_idle_ && running_ == 0) stop();
}

void Engine::count(const grid::Usage& usage) {
  account_.wrote(usage);
  ++turns_;
}

void Engine::refuses_stream_options() {
  stream_options_ = false;
  env_.log().warn("engine_lacks_usage", {{"deployment", deployment_.name},
                                         {"why",
                                          "it refuses stream_options: its streams are counted by events, and "
                                          "whole answers cannot be stopped half way"}});
}

inner::EngineReport Engine::report() const {
  inner::EngineReport out;
  out.deployment = deployment_.name;
  out.state = std::string(life_.state_name());
  out.reason = life_.reason();
  out.slots = deployment_.slots;
  // Of an engine that is ours alone we know it to the moment; what an adopted one does for others takes slots too.
  const std::uint32_t seen = adopted_ ? std::min(load_.running.value_or(0), deployment_.slots) : 0;
  out.running = std::max(running_, seen);
  out.queued = load_.queued.value_or(0);
  out.prefill_tokens_per_s = reading(load_.prefill_tokens_per_s);
  out.decode_tokens_per_s = reading(load_.decode_tokens_per_s);
  out.prompt_tokens_total = load_.prompt_tokens.value_or(account_.written().prompt_tokens);
  out.completion_tokens_total = load_.completion_tokens.value_or(account_.written().completion_tokens);
  out.pid = process_ ? process_->pid() : 0;
  out.url = door_.address.starts_with("unix:") || door_.address.empty() ? door_.address
                                                                        : "http://" + door_.address + door_.prefix;
  if (!adopted_ && !door_.secret.empty()) out.secret_file = file_stem_ + ".secret";
  return out;
}

// The only place where events meet the state machine: an action may end the very task that brought the event.
io::Task<void> Engine::live() {
  while (auto event = co_await inbox_.next()) {
    for (const auto& action : life_.on_event(*event, env_.now())) carry_out(action);
  }
}

void Engine::carry_out(const placement::EngineAction& action) {
  namespace act = placement::engine_action;
  if (std::holds_alternative<act::Launch>(action)) {
    living_.spawn(launch());
  } else if (std::holds_alternative<act::Probe>(action)) {
    asking_.spawn(probe());
  } else if (std::holds_alternative<act::Watch>(action)) {
    asking_.spawn(watch());
  } else if (std::holds_alternative<act::Unwatch>(action)) {
    load_ = {};
    asking_.cancel();
  } else if (std::holds_alternative<act::Terminate>(action)) {
    if (process_) process_->signal(kPolite);
  } else if (std::holds_alternative<act::Kill>(action)) {
    if (process_) process_->signal(kFinal);
  } else if (const auto* alarm = std::get_if<act::SetAlarm>(&action)) {
    alarm->at == kNever ? alarm_->cancel() : alarm_->arm(alarm->at);
  } else {
    const auto level = life_.state_name() == "failed" ? Level::Warning : Level::Note;
    env_.log().write(level, "engine_state",
                     {{"deployment", deployment_.name},
                      {"state", life_.state_name()},
                      {"reason", life_.reason()},
                      {"pid", process_ ? process_->pid() : 0}});
    listener_.changed();
  }
}

io::Task<void> Engine::launch() {
  auto started = co_await start_process();
  if (!started.ok()) {
    inbox_.push(placement::engine_event::LaunchFailed{started.error().message});
    co_return;
  }
  account_.restarted();
  inbox_.push(placement::engine_event::Launched{});
  const io::ExitStatus status = co_await process_->wait();
  process_.reset();
  inbox_.push(placement::engine_event::Exited{describe(status)});
}

io::Task<Result<void>> Engine::start_process() {
  AIGRID_CO_CHECK_OK(env_.files().make_folders(options_.state + "/engines"));
  AIGRID_CO_CHECK_OK(choose_door());
  engine::LaunchContext context{options_.python, options_.engines_folder, options_.models_folder, door_.address,
                                door_.secret};
  AIGRID_CO_TRY(engine::Launch plan, driver_.launch(deployment_, model_, context));
  if (!plan.model_file.empty()) {
    Result<void> whole = co_await check_model_file(env_, plan.model_file, model_.sha256);
    if (!whole.ok()) co_return std::move(whole).error();
  }
  AIGRID_CO_CHECK_OK(env_.files().replace(file_stem_ + ".secret", door_.secret));
  io::ProcessSpec spec;
  spec.argv = std::move(plan.argv);
  spec.env = std::move(plan.env);
  bound_log(env_.files(), file_stem_ + ".log", options_.cadence.engine_log_bytes);
  spec.output_file = file_stem_ + ".log";
  auto process = env_.start(spec);
  if (!process.ok()) {
    co_return unavailable("cannot start \"" + spec.argv.front() + "\": " + process.error().message +
                          "; install it or correct --python and --engines-folder");
  }
  process_ = std::move(*process);
  co_return Result<void>{};
}

// A place where only this agent reaches it: a socket in its own state, or a loopback port with a secret.
Result<void> Engine::choose_door() {
  door_ = EngineDoor{};
  door_.host = "localhost";
  door_.secret = options_.engine_secret.empty() ? fresh_secret(env_) : options_.engine_secret;
  const std::string socket = file_stem_ + ".sock";
  if (driver_.capabilities().unix_socket && socket.size() <= kSocketPath && socket.front() == '/') {
    (void)env_.files().remove(socket);  // of a life before
    door_.address = "unix:" + socket;
    return {};
  }
  AIGRID_TRY(auto listener, env_.listen("127.0.0.1:0", {}));
  door_.address = listener->address();
  listener->close();
  return {};
}

Result<void> Engine::adopt_door() {
  AIGRID_TRY(const engine::Place place, engine::parse_url(deployment_.url));
  AIGRID_CHECK_OK(driver_.check_adopted(deployment_));
  door_ = {place.address, place.host, place.prefix, ""};
  if (!deployment_.secret_env.empty()) door_.secret = env_.variable(deployment_.secret_env.c_str());
  return {};
}

io::Task<void> Engine::probe() {
  std::string why = door_error_;
  if (why.empty()) {
    grid::Model model = model_;
    model.name = model_name_;
    auto answer = co_await ask_engine(env_, door_, driver_.readiness(model), life_.probe_within());
    if (answer.ok()) {
      auto verdict = driver_.readiness_verdict(model_, answer->head.status, answer->body);
      if (verdict.ok()) {
        account_.wrote(*verdict);
        worked(ledger::kProbe, *verdict);
        inbox_.push(placement::engine_event::ProbeOk{});
        co_return;
      }
      why = verdict.error().message;
    } else {
      why = answer.error().message;
    }
  }
  inbox_.push(placement::engine_event::ProbeFailed{why});
}

io::Task<void> Engine::watch() {
  for (;;) {
    const std::uint64_t turn = turns_;
    auto load = co_await read_load();
    if (load.ok()) {
      load_ = *load;
      if (running_ == 0 && turn == turns_) claim(load_);
      inbox_.push(placement::engine_event::CheckOk{});
    } else {
      inbox_.push(placement::engine_event::CheckFailed{load.error().message});
    }
    if (process_) bound_log(env_.files(), file_stem_ + ".log", options_.cadence.engine_log_bytes);
    co_await env_.sleep_for(options_.cadence.engine_poll_every);
  }
}

// Nothing of ours ran while the counters were read. What an adopted engine does for others is none of our business.
void Engine::claim(const engine::Load& load) {
  if (adopted_ || (!load.prompt_tokens && !load.completion_tokens)) return;
  grid::Usage counters;
  counters.prompt_tokens = load.prompt_tokens.value_or(0);
  counters.completion_tokens = load.completion_tokens.value_or(0);
  const grid::Usage more = account_.unclaimed(counters);
  if (more.prompt_tokens + more.completion_tokens > 0) worked(ledger::kUnclaimed, more);
}

void Engine::worked(const char* finish, const grid::Usage& usage) {
  grid::AgentRecord out;
  out.deployment = deployment_.name;
  out.model = model_.name;
  out.endpoint = model_.task == grid::Task::Embedding ? "embeddings" : "chat.completions";
  out.finish = finish;
  out.usage = usage;
  listener_.worked(std::move(out));
}

io::Task<Result<engine::Load>> Engine::read_load() {
  const engine::Capabilities can = driver_.capabilities();
  const Duration within = options_.cadence.engine_poll_within;
  engine::Load load;
  if (can.metrics) {
    auto answer = co_await ask_engine(env_, door_, {"GET", std::string(driver_.metrics_path()), ""}, within);
    if (!answer.ok()) co_return std::move(answer).error();
    if (answer->head.status == 200) {
      const auto samples = metrics::parse_metrics(answer->body);
      load = driver_.load_from_metrics([&](std::string_view name) { return metrics::sum_of(samples, name); });
    }
  }
  if (can.slots) {
    auto answer = co_await ask_engine(env_, door_, {"GET", std::string(driver_.slots_path()), ""}, within);
    if (!answer.ok()) co_return std::move(answer).error();
    if (answer->head.status == 200) load = engine::merge(load, driver_.load_from_slots(answer->body));
  }
  if (!can.metrics && !can.slots) {
    auto answer = co_await ask_engine(env_, door_, {"GET", std::string(driver_.health_path()), ""}, within);
    if (!answer.ok()) co_return std::move(answer).error();
  }
  co_return load;
}

}  // namespace aigrid::agent
