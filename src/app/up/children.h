// Children: the processes of a little grid. Each can be started again by hand after it died, with the same command
// line; none is by itself, because killing one is how a site's loss is rehearsed. They die with this process. One
// worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/env/env.h"

namespace aigrid::up {

class Children {
 public:
  // `died`: of itself, not by stop(). Called on the worker.
  using Died = std::function<void(const std::string& name, io::ExitStatus status)>;
  Children(io::Env& env, Died died);

  Result<void> start(const std::string& name, io::ProcessSpec spec);
  // AlreadyExists while it runs; NotFound with the names there are.
  Result<int> restart(const std::string& name);
  // 0: not running.
  int pid(const std::string& name) const;
  std::vector<std::string> names() const;
  bool running() const;
  // SIGTERM to all, and SIGKILL to those that are left after `within`. Returns when none is left.
  io::Task<void> stop(Duration within);

 private:
  struct Child {
    io::ProcessSpec spec;
    std::unique_ptr<io::Process> process;  // null: not running
  };
  io::Task<void> watch(std::string name);

  io::Env& env_;
  Died died_;
  bool stopping_ = false;
  std::map<std::string, Child> children_;
  io::Event changed_;
  io::TaskGroup watches_;
};

// "exit code 1" or "signal 9".
std::string describe(io::ExitStatus status);

}  // namespace aigrid::up
