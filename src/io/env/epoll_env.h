// The real Env. run_epoll() runs `body` on the calling thread's loop until it returns, then ends the workers it added
// and returns its exit code (0 for a void body). SIGTERM or SIGINT sets stop_requested on every worker; a second one
// exits at once. SIGPIPE is ignored. Every thread must be started after this call, so that signals stay blocked in it.
#pragma once

#include <functional>
#include <memory>

#include "io/env/env.h"
#include "io/env/json_log.h"

namespace aigrid::io {

struct EpollOptions {
  // Asked at the first env.tls() / env.keys() of each worker, on that worker. May be empty if nobody asks. An object
  // owned elsewhere: return a shared_ptr with an empty deleter.
  std::function<std::shared_ptr<Tls>(Env&)> tls;
  std::function<std::shared_ptr<Keys>(Env&)> keys;
  LogSink log_sink;  // thread-safe; standard error when empty
  Level log_level = Level::Note;
  bool take_signals = true;
  std::size_t blocking_threads = 16;
};

int run_epoll(EpollOptions options, std::function<Task<int>(Env&)> body);
int run_epoll(EpollOptions options, std::function<Task<void>(Env&)> body);

// Watches a connected socket that another worker released (Stream::release_fd), on the real `env`'s loop. Takes `fd`.
Result<std::unique_ptr<Stream>> adopt_socket(Env& env, int fd, Address remote);

}  // namespace aigrid::io
