#include "io/env/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "io/env/system_error.h"

namespace aigrid::io {
namespace {

// Everything the child needs, made before the fork: after it only async-signal-safe calls are allowed.
struct Launch {
  std::string program;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::string folder;
  int input = -1;
  int output = -1;  // -1: ours
  int report = -1;  // errno of a failed exec goes here
  int parent = 0;
  bool dies_with_parent = true;
  bool new_session = false;
};

[[noreturn]] void fail(const Launch& launch) {
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(launch.report, &error, sizeof(error));
  ::_exit(127);
}

[[noreturn]] void become(const Launch& launch) {
  if (launch.new_session) {
    ::setsid();
  } else {
    ::setpgid(0, 0);
  }
  struct sigaction normal{};
  normal.sa_handler = SIG_DFL;
  for (int number = 1; number < 32; ++number) ::sigaction(number, &normal, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (launch.dies_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != launch.parent) ::_exit(127);  // it died before prctl
  }
  if (::dup2(launch.input, STDIN_FILENO) < 0) fail(launch);
  if (launch.output >= 0 && (::dup2(launch.output, STDOUT_FILENO) < 0 || ::dup2(launch.output, STDERR_FILENO) < 0)) {
    fail(launch);
  }
  if (!launch.folder.empty() && ::chdir(launch.folder.c_str()) != 0) fail(launch);
  ::execve(launch.program.c_str(), launch.argv.data(), launch.envp.data());
  fail(launch);
}

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return Error{Code::NotFound, Origin::Self, Retry::Never,
               "cannot start \"" + name + "\": no such program on PATH; install it or give its full path"};
}

void fill_variables(Launch& launch, const ProcessSpec& spec) {
  for (char** own = environ; own && *own; ++own) {
    const std::string_view variable = *own;
    const std::string_view name = variable.substr(0, variable.find('='));
    bool replaced = false;
    for (const auto& added : spec.env) replaced = replaced || added.first == name;
    if (!replaced) launch.variables.emplace_back(variable);
  }
  for (const auto& [name, value] : spec.env) launch.variables.push_back(name + "=" + value);
  for (auto& variable : launch.variables) launch.envp.push_back(variable.data());
  launch.envp.push_back(nullptr);
  for (const auto& argument : spec.argv) launch.argv.push_back(const_cast<char*>(argument.c_str()));
  launch.argv.push_back(nullptr);
}

struct Ends {
  int fds[2] = {-1, -1};
  ~Ends() {
    for (const int fd : fds) {
      if (fd >= 0) ::close(fd);
    }
  }
  void close_second() {
    ::close(fds[1]);
    fds[1] = -1;
  }
};

// 0 once the exec has happened, else its errno.
int exec_outcome(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  return got == sizeof(error) ? error : 0;
}

}  // namespace

Result<std::unique_ptr<Process>> start_process(Reactor& reactor, const ProcessSpec& spec) {
  if (spec.argv.empty()) return invalid("cannot start a process: argv is empty");
  Launch launch;
  AIGRID_TRY(launch.program, find_program(spec.argv[0]));
  fill_variables(launch, spec);
  launch.folder = spec.folder;
  launch.dies_with_parent = spec.dies_with_parent;
  launch.new_session = spec.new_session;
  launch.parent = ::getpid();
  Ends report;
  Ends streams;
  const std::string what = "cannot start " + launch.program;
  if (::pipe2(report.fds, O_CLOEXEC) != 0) return system_error(errno, what);
  launch.report = report.fds[1];
  launch.input = streams.fds[0] = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (launch.input < 0) return system_error(errno, what);
  if (!spec.output_file.empty()) {
    launch.output = streams.fds[1] =
        ::open(spec.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (launch.output < 0) return system_error(errno, what + " with its output in " + spec.output_file);
  }
  const int pid = ::fork();
  if (pid == 0) become(launch);
  if (pid < 0) return system_error(errno, what);
  report.close_second();
  const int error = exec_outcome(report.fds[0]);
  const int pidfd = error == 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
  if (pidfd < 0) {
    const int reason = error != 0 ? error : errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return system_error(reason, what);
  }
  return Result<std::unique_ptr<Process>>(std::make_unique<ChildProcess>(reactor, pid, pidfd));
}

ChildProcess::ChildProcess(Reactor& reactor, int pid, int pidfd)
    : reactor_(reactor), pid_(pid), pidfd_(pidfd), ended_(reactor.executor()) {
  ::fcntl(pidfd_, F_SETFD, FD_CLOEXEC);
  reactor_.add(pidfd_, *this, EPOLLIN);
}

ChildProcess::~ChildProcess() {
  if (!over_) {
    ::kill(pid_, SIGKILL);
    reap(0);
  }
  reactor_.remove(pidfd_, *this);
  ::close(pidfd_);
}

bool ChildProcess::reap(int options) {
  int status = 0;
  int got = 0;
  do {
    got = ::waitpid(pid_, &status, options);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return false;
  over_ = true;
  if (WIFSIGNALED(status)) {
    status_.signal = WTERMSIG(status);
  } else {
    status_.code = WEXITSTATUS(status);
  }
  return true;
}

void ChildProcess::ready(std::uint32_t) noexcept {
  if (!over_ && reap(WNOHANG)) ended_.set();
}

Task<ExitStatus> ChildProcess::wait() {
  while (!over_) co_await ended_.wait();
  co_return status_;
}

void ChildProcess::signal(int number) {
  if (!over_) ::kill(pid_, number);  // not reaped yet, so the number cannot belong to another
}

}  // namespace aigrid::io
