#include "io/env/virtual_process.h"

#include <signal.h>

#include "io/env/virtual_env.h"

namespace aigrid::io {
namespace {

Task<void> run_body(Env& env, std::function<Task<void>(Env&)> body) { co_await body(env); }

// A worker begins on its own turn, as a thread would.
Task<void> run_worker(Env& env, std::function<Task<void>(Env&)> body) {
  co_await env.sleep_until(env.now());
  co_await body(env);
}

Task<void> run_child(VirtualInstance& instance, Program program, ProcessSpec spec) {
  Env& env = instance.main();
  co_await env.sleep_until(env.now());
  ExitStatus status;
  status.code = co_await program(env, std::move(spec));
  instance.end(status);
}

std::string last_component(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

VirtualInstance::VirtualInstance(VirtualSite& s, VirtualHost& h, const ProcessSpec& spec)
    : site(s),
      host(h),
      pid(++s.last_pid),
      folder(spec.folder.empty() ? "/" : spec.folder),
      variables(spec.env.begin(), spec.env.end()),
      output_file_(spec.output_file),
      tasks_(s.core.executor) {
  add_env();
}

VirtualInstance::~VirtualInstance() = default;

VirtualEnv& VirtualInstance::add_env() {
  return *envs_.emplace_back(std::make_unique<VirtualEnv>(*this, static_cast<int>(envs_.size())));
}

void VirtualInstance::spawn(std::function<Task<void>(Env&)> body) {
  if (alive) tasks_.spawn(run_body(main(), std::move(body)));
}

void VirtualInstance::add_worker(std::function<Task<void>(Env&)> body) {
  if (!alive) return;
  VirtualEnv& env = add_env();
  if (asked_to_stop_) env.stop_requested().set();
  tasks_.spawn(run_worker(env, std::move(body)));
}

void VirtualInstance::run_program(Program program, ProcessSpec spec) {
  tasks_.spawn(run_child(*this, std::move(program), std::move(spec)));
}

Result<std::unique_ptr<Process>> VirtualInstance::start(const ProcessSpec& spec) {
  if (spec.argv.empty()) return invalid("cannot start a process: argv is empty");
  const auto found = site.programs.find(last_component(spec.argv[0]));
  if (!alive || found == site.programs.end()) {
    return Error{Code::NotFound, Origin::Self, Retry::Never,
                 "cannot start \"" + spec.argv[0] + "\": no such program on PATH; install it or give its full path"};
  }
  ProcessSpec inherited = spec;
  if (inherited.folder.empty()) inherited.folder = folder;
  if (inherited.output_file.empty()) inherited.output_file = output_file_;
  for (const auto& own : variables) inherited.env.push_back(own);  // the earlier of two wins
  auto& child = *site.instances.emplace_back(std::make_unique<VirtualInstance>(site, host, inherited));
  children_.push_back(&child);
  site.core.record("start", host.place.name, child.pid, found->first);
  auto handle = std::make_unique<VirtualProcess>(child, site.core.executor);
  child.run_program(found->second, spec);
  return Result<std::unique_ptr<Process>>(std::move(handle));
}

void VirtualInstance::request_stop() {
  asked_to_stop_ = true;
  for (auto& env : envs_) env->stop_requested().set();
}

void VirtualInstance::signal(int number) {
  if (!alive || number == 0 || number == SIGCONT || number == SIGSTOP || number == SIGCHLD) return;
  site.core.record("signal", host.place.name, pid, number);
  const bool polite = number == SIGTERM || number == SIGINT;
  if (polite && !asked_to_stop_) {
    request_stop();
  } else {
    end(polite ? ExitStatus{128 + number, 0} : ExitStatus{0, number});
  }
}

void VirtualInstance::end(ExitStatus how) {
  if (!alive) return;
  alive = false;
  status = how;
  site.core.record("exit", host.place.name, pid, how.code, how.signal);
  for (auto& env : envs_) env->close_mailbox();
  for (auto* child : children_) child->end({0, SIGKILL});
  site.network.drop_process(this);
  if (watcher) watcher->child_ended();
  // First in line, so that none of its tasks runs once more.
  site.core.executor.schedule_first(*this);
}

void VirtualInstance::bury() {
  for (auto* child : children_) child->bury();
  tasks_.cancel();
}

void VirtualInstance::write_log(std::string_view line) {
  host.log += line;
  if (!output_file_.empty()) append_output(line);
}

void VirtualInstance::append_output(std::string_view line) {
  auto file = main().files().open(output_file_, OpenMode::Create);
  // A full disk loses log lines, as it does in life.
  if (file.ok()) [[maybe_unused]]
    const auto written = (*file)->append(line);
}

VirtualProcess::VirtualProcess(VirtualInstance& child, Executor& executor) : child_(child), ended_(executor) {
  child_.watcher = this;
}

VirtualProcess::~VirtualProcess() {
  child_.watcher = nullptr;
  child_.end({0, SIGKILL});
}

Task<ExitStatus> VirtualProcess::wait() {
  while (child_.alive) co_await ended_.wait();
  co_return child_.status;
}

}  // namespace aigrid::io
