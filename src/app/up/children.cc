#include "app/up/children.h"

#include <algorithm>
#include <utility>

#include "base/nearest_name.h"

namespace aigrid::up {

namespace {

constexpr int kTerminate = 15;

}  // namespace

std::string describe(io::ExitStatus status) {
  return status.signal != 0 ? "signal " + std::to_string(status.signal) : "exit code " + std::to_string(status.code);
}

Children::Children(io::Env& env, Died died)
    : env_(env), died_(std::move(died)), changed_(env.executor()), watches_(env.executor()) {}

Result<void> Children::start(const std::string& name, io::ProcessSpec spec) {
  Child& child = children_[name];
  child.spec = std::move(spec);
  AIGRID_TRY(child.process, env_.start(child.spec));
  watches_.spawn(watch(name));
  return {};
}

Result<int> Children::restart(const std::string& name) {
  auto found = children_.find(name);
  for (const char* prefix : {"gateway-", "agent-"}) {
    if (found == children_.end()) found = children_.find(prefix + name);
  }
  if (found == children_.end()) {
    const std::string near = nearest_name(name, names());
    return Error{Code::NotFound, Origin::Client, Retry::Never,
                 "there is no process \"" + name + "\" here" + (near.empty() ? "" : "; did you mean " + near + "?")};
  }
  if (found->second.process) {
    return Error{Code::AlreadyExists, Origin::Client, Retry::Never,
                 found->first + " runs as process " + std::to_string(found->second.process->pid()) + ": end it first"};
  }
  AIGRID_CHECK_OK(start(found->first, found->second.spec));
  return found->second.process->pid();
}

int Children::pid(const std::string& name) const {
  const auto found = children_.find(name);
  return found == children_.end() || !found->second.process ? 0 : found->second.process->pid();
}

std::vector<std::string> Children::names() const {
  std::vector<std::string> out;
  for (const auto& [name, child] : children_) out.push_back(name);
  return out;
}

bool Children::running() const {
  return std::any_of(children_.begin(), children_.end(),
                     [](const auto& entry) { return entry.second.process != nullptr; });
}

io::Task<void> Children::watch(std::string name) {
  const io::ExitStatus status = co_await children_[name].process->wait();
  children_[name].process.reset();
  changed_.set();
  if (!stopping_) died_(name, status);
}

io::Task<void> Children::stop(Duration within) {
  stopping_ = true;
  for (auto& [name, child] : children_) {
    if (child.process) child.process->signal(kTerminate);
  }
  const Time until = env_.now() + within;
  auto late = env_.timer([this] { changed_.set(); });
  late->arm(until);
  while (running() && env_.now() < until) co_await changed_.wait();
  if (!running()) co_return;
  watches_.cancel();
  for (auto& [name, child] : children_) child.process.reset();  // kills and reaps
}

}  // namespace aigrid::up
