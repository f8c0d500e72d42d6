// ChildProcess: an operating-system process watched through a pidfd. It has a process group of its own, so a Ctrl-C at
// the terminal reaches the parent alone, which then ends its children in its own order. Belongs to the reactor's
// thread.
#pragma once

#include "io/env/reactor.h"

namespace aigrid::io {

class ChildProcess final : public Process, Watch {
 public:
  ChildProcess(Reactor& reactor, int pid, int pidfd);
  ~ChildProcess() override;
  int pid() const override { return pid_; }
  Task<ExitStatus> wait() override;
  void signal(int number) override;

 private:
  void ready(std::uint32_t events) noexcept override;
  bool reap(int options);
  Reactor& reactor_;
  int pid_;
  int pidfd_;
  bool over_ = false;
  ExitStatus status_;
  Event ended_;
};

Result<std::unique_ptr<Process>> start_process(Reactor& reactor, const ProcessSpec& spec);

}  // namespace aigrid::io
