// For the tests of this folder: runs a coroutine under the real and the virtual Env; talks over plain sockets.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "io/env/epoll_env.h"
#include "io/env/virtual_world.h"

namespace aigrid::io::test {

// Waits for an event, at most ten seconds.
inline Task<bool> within(Env& env, Event& event, bool& flag) {
  bool late = false;
  auto timer = env.timer([&] {
    late = true;
    event.set();
  });
  timer->arm(env.now() + 10s);
  while (!flag && !late) co_await event.wait();
  co_return flag;
}

inline Task<void> run_and_tell(Env& env, const std::function<Task<void>(Env&)>& body, bool& done) {
  co_await body(env);
  done = true;
}

// Under the real and under the virtual Env.
inline void run(const std::function<Task<void>(Env&)>& body) {
  EpollOptions options;
  options.log_sink = [](std::string_view) {};
  options.take_signals = false;
  EXPECT_EQ(run_epoll(std::move(options), body), 0);
  VirtualWorld world(1);
  world.add_host("paris/test");
  bool done = false;
  world.spawn("paris/test", [&](Env& env) { return run_and_tell(env, body, done); });
  EXPECT_TRUE(world.run_until([&] { return done; }, 3600s)) << world.event_log().substr(0, 5000);
}

// Reads until `stop` appears or the peer closes; at most ten seconds.
inline Task<std::string> read_until(Env& env, Stream& stream, std::string stop) {
  std::string out;
  std::string piece(4096, '\0');
  auto timer = env.timer([&stream] { stream.close(); });
  timer->arm(env.now() + 10s);
  while (stop.empty() || out.find(stop) == std::string::npos) {
    auto got = co_await read_some(env, stream, piece);
    if (!got.ok()) {
      out += "<" + std::string(to_string(got.error().code)) + ">";
      break;
    }
    if (*got == 0) break;
    out.append(piece, 0, *got);
  }
  co_return out;
}

// A listener with a connection group, served in the background while in scope.
struct Served {
  explicit Served(Env& env)
      : listener(std::move(*env.listen("127.0.0.1:0", {}))), connections(env.executor()), acceptor(env.executor()) {}
  const Address& at() const { return listener->address(); }
  std::unique_ptr<Listener> listener;
  TaskGroup connections;
  TaskGroup acceptor;
};

inline Task<std::unique_ptr<Stream>> connect(Env& env, Address to) {
  auto stream = co_await env.dial(std::move(to), 5s);
  EXPECT_TRUE(stream.ok());
  co_return stream.ok() ? std::move(*stream) : nullptr;
}

// Sends `text` and gives everything that comes back until the server closes.
inline Task<std::string> talk(Env& env, Address to, std::string text) {
  auto stream = co_await connect(env, std::move(to));
  auto sent = co_await write_all(env, *stream, text);
  (void)sent.ok();
  co_return co_await read_until(env, *stream, "");
}

}  // namespace aigrid::io::test
