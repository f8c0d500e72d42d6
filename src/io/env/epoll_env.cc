#include "io/env/epoll_env.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "io/env/epoll_worker.h"
#include "io/env/socket_stream.h"
#include "io/env/system_error.h"

namespace aigrid::io {
namespace {

// Turns SIGTERM and SIGINT into stop_requested while in scope; restores what was before.
class Signals final : Watch {
 public:
  Signals(Crew& crew, EpollWorker& main) : crew_(crew), main_(main) {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &old_pipe_);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set, &old_mask_);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0 || main_.reactor().add(fd_, *this, EPOLLIN) != 0) {
      std::perror("signalfd");
      std::abort();
    }
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() {
    main_.reactor().remove(fd_, *this);
    ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    ::sigaction(SIGPIPE, &old_pipe_, nullptr);
  }

 private:
  void ready(std::uint32_t) noexcept override {
    signalfd_siginfo signal{};
    while (::read(fd_, &signal, sizeof(signal)) == sizeof(signal)) {
      if (asked_) ::_exit(128 + static_cast<int>(signal.ssi_signo));
      asked_ = true;
      main_.stop_requested().set();
      crew_.request_stop();
    }
  }
  Crew& crew_;
  EpollWorker& main_;
  int fd_ = -1;
  bool asked_ = false;
  sigset_t old_mask_{};
  struct sigaction old_pipe_{};
};

Task<void> run_main(Env& env, const std::function<Task<int>(Env&)>& body, int& code, bool& done) {
  code = co_await body(env);
  done = true;
}

Task<int> give_zero(Env& env, const std::function<Task<void>(Env&)>& body) {
  co_await body(env);
  co_return 0;
}

}  // namespace

int run_epoll(EpollOptions options, std::function<Task<int>(Env&)> body) {
  const bool take_signals = options.take_signals;
  Crew crew(std::move(options));
  EpollWorker main(crew, std::make_shared<PostBox>());
  std::optional<Signals> signals;
  if (take_signals) signals.emplace(crew, main);
  int code = 0;
  main.run([&](TaskGroup& root, bool& done) { root.spawn(run_main(main, body, code, done)); }, [&] { crew.end(); });
  return code;
}

int run_epoll(EpollOptions options, std::function<Task<void>(Env&)> body) {
  return run_epoll(std::move(options),
                   std::function<Task<int>(Env&)>([&body](Env& env) { return give_zero(env, body); }));
}

Result<std::unique_ptr<Stream>> adopt_socket(Env& env, int fd, Address remote) {
  auto* worker = dynamic_cast<EpollWorker*>(&env);
  if (worker == nullptr) {
    ::close(fd);
    return internal("a socket is handed to an Env that has none");
  }
  auto stream = std::make_unique<SocketStream>(worker->reactor(), fd, true, std::move(remote));
  if (stream->registration_error() != 0) return system_error(stream->registration_error(), "cannot watch a socket");
  return Result<std::unique_ptr<Stream>>(std::move(stream));
}

}  // namespace aigrid::io
