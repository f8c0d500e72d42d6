// What only the real Env does: signals, workers on threads, operating-system processes, stale socket files.
#include "io/env/epoll_env.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "io/env/echo_app_test.h"
#include "io/env/test_runners.h"

namespace aigrid::io {
namespace {

Task<int> give_seven(Env& env) {
  co_await env.sleep_for(1ms);
  co_return 7;
}

TEST(EpollEnvTest, ReturnsTheCodeOfItsBody) { EXPECT_EQ(run_epoll({}, std::function<Task<int>(Env&)>(give_seven)), 7); }

Task<void> worker_waits_for_stop(Env& env, std::atomic<int>& stopped) {
  co_await env.stop_requested().wait();
  ++stopped;
}

Task<void> stop_by_signal(Env& env, std::atomic<int>& stopped) {
  const auto body = [&stopped](Env& worker) { return worker_waits_for_stop(worker, stopped); };
  env.add_worker(body);
  env.add_worker(body);
  ::kill(::getpid(), SIGTERM);
  co_await env.stop_requested().wait();
  while (stopped != 2) co_await env.sleep_for(1ms);
}

TEST(EpollEnvTest, SigtermAsksEveryWorkerToStop) {
  std::atomic<int> stopped = 0;
  EXPECT_EQ(run_epoll({}, [&](Env& env) { return stop_by_signal(env, stopped); }), 0);
  EXPECT_EQ(stopped, 2);
}

Task<void> ignore_stop(Env& env) {
  ::kill(::getpid(), SIGTERM);
  co_await env.stop_requested().wait();
  ::kill(::getpid(), SIGTERM);
  co_await env.sleep_for(3600s);
}

TEST(EpollEnvDeathTest, ASecondSignalExitsAtOnce) {
  EXPECT_EXIT(run_epoll({}, ignore_stop), testing::ExitedWithCode(128 + SIGTERM), "");
}

// Ping-pong between two workers through their mailboxes only.
struct Rally {
  std::shared_ptr<Mailbox> sides[2];
  std::atomic<int> ready = 0;
  int strokes = 0;  // passed along with the ball
  std::atomic<bool> over = false;
};

void stroke(Rally& rally, int side) {
  if (++rally.strokes == 2000) {
    rally.over = true;
    return;
  }
  rally.sides[1 - side]->post([&rally, side] { stroke(rally, 1 - side); });
}

Task<void> play(Env& env, Rally& rally, int side) {
  rally.sides[side] = env.mailbox();
  ++rally.ready;
  co_await env.sleep_for(3600s);
}

Task<void> referee(Env& env, Rally& rally) {
  env.add_worker([&rally](Env& worker) { return play(worker, rally, 0); });
  env.add_worker([&rally](Env& worker) { return play(worker, rally, 1); });
  while (rally.ready != 2) co_await env.sleep_for(1ms);
  rally.sides[0]->post([&rally] { stroke(rally, 0); });
  while (!rally.over) co_await env.sleep_for(1ms);
}

TEST(EpollEnvTest, WorkersPlayPingPongThroughMailboxes) {
  Rally rally;
  EXPECT_EQ(run_epoll({}, [&](Env& env) { return referee(env, rally); }), 0);
  EXPECT_EQ(rally.strokes, 2000);
  rally.sides[0]->post([] { ADD_FAILURE() << "the worker is gone"; });
}

struct SharedPort {
  Address at;
  std::atomic<int> listening = 0;
  std::atomic<int> accepted[3] = {};
};

Task<void> accept_on(Env& env, SharedPort& port, int index) {
  auto listener = env.listen(port.at, {.share_port = true});
  EXPECT_TRUE(listener.ok()) << listener.error().message;
  ++port.listening;
  TaskGroup sessions(env.executor());
  for (;;) {
    auto stream = co_await (*listener)->accept();
    if (!stream.ok()) break;
    ++port.accepted[index];
    sessions.spawn(echo::serve_one(env, std::move(*stream)));
  }
}

Task<void> crowd(Env& env, SharedPort& port, int& right) {
  // Holds a port for the others to share; nothing comes here as long as nobody listens on it.
  auto first = env.listen("127.0.0.1:0", {.share_port = true});
  port.at = (*first)->address();
  first->reset();
  for (int i = 0; i < 3; ++i) {
    env.add_worker([&port, i](Env& worker) { return accept_on(worker, port, i); });
  }
  while (port.listening != 3) co_await env.sleep_for(1ms);
  TaskGroup clients(env.executor());
  for (unsigned i = 0; i < 200; ++i) clients.spawn(echo::ask_and_count(env, port.at, i, right));
  co_await clients.join();
}

TEST(EpollEnvTest, SeveralWorkersAcceptOnOnePort) {
  SharedPort port;
  int right = 0;
  EXPECT_EQ(run_epoll({}, [&](Env& env) { return crowd(env, port, right); }), 0);
  EXPECT_EQ(right, 200);
  for (const auto& count : port.accepted) EXPECT_GT(count, 0);
}

Task<void> processes(Env& env) {
  const std::string out = env.variable("TEST_FOLDER") + "/out";
  ProcessSpec spec{{"sh", "-c", "echo $WORD; pwd; exit 3"}, {{"WORD", "hello"}}, "/", out};
  auto polite = env.start(spec);
  EXPECT_TRUE(polite.ok()) << polite.error().message;
  EXPECT_EQ((co_await (*polite)->wait()).code, 3);
  EXPECT_EQ(*env.files().read_all(out), "hello\n/\n");
  auto sleeper = env.start({{"sleep", "1000"}, {}, {}, {}});
  (*sleeper)->signal(SIGTERM);
  EXPECT_EQ((co_await (*sleeper)->wait()).signal, SIGTERM);
  auto killed = env.start({{"sleep", "1000"}, {}, {}, {}});
  const int pid = (*killed)->pid();
  killed->reset();
  EXPECT_NE(::kill(pid, 0), 0) << "still there";
  EXPECT_EQ(env.start({{"no-such-program-at-all"}, {}, {}, {}}).error().code, Code::NotFound);
  EXPECT_EQ(env.start({{"/etc/passwd"}, {}, {}, {}}).error().code, Code::PermissionDenied);
}

TEST(EpollEnvTest, StartsWaitsForAndKillsProcesses) { EpollRunner::run(processes); }

Task<void> stale_socket(Env& env) {
  const std::string path = env.variable("TEST_FOLDER") + "/s";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::strncpy(un.sun_path, path.c_str(), sizeof(un.sun_path) - 1);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&un), sizeof(un)), 0);
  ::close(fd);
  EXPECT_TRUE(env.files().stat(path).ok());
  auto listener = env.listen("unix:" + path, {});
  EXPECT_TRUE(listener.ok()) << listener.error().message;
  TaskGroup server(env.executor());
  server.spawn(echo::serve(env, **listener));
  auto answer = co_await echo::ask(env, "unix:" + path, "hello");
  EXPECT_TRUE(answer.ok() && *answer == "hello");
  server.cancel();
  listener->reset();
  EXPECT_FALSE(env.files().stat(path).ok()) << "left behind";
}

TEST(EpollEnvTest, TakesOverASocketFileNobodyAnswersOn) { EpollRunner::run(stale_socket); }

Task<void> six(Env& env) {
  auto listener = env.listen("[::1]:0", {});
  if (!listener.ok()) co_return;  // a machine without IPv6
  TaskGroup server(env.executor());
  server.spawn(echo::serve(env, **listener));
  auto answer = co_await echo::ask(env, (*listener)->address(), "hello");
  EXPECT_TRUE(answer.ok() && *answer == "hello");
}

TEST(EpollEnvTest, SpeaksIpv6) { EpollRunner::run(six); }

Task<void> starve(Env& env, int& warnings) {
  auto listener = env.listen("127.0.0.1:0", {});
  TaskGroup server(env.executor());
  server.spawn(echo::serve(env, **listener));
  // Connected by the kernel, accepted by nobody while no descriptor is free.
  auto client = co_await env.dial((*listener)->address(), 5s);
  // UBSan checks each dynamic type once, and needs a file descriptor for it: let it do that now.
  env.log().note("starving");
  rlimit old{};
  ::getrlimit(RLIMIT_NOFILE, &old);
  std::vector<int> hoard;
  rlimit low = old;
  low.rlim_cur = 256;
  ::setrlimit(RLIMIT_NOFILE, &low);
  co_await env.sleep_for(5ms);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) hoard.push_back(fd);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi((*listener)->address().substr(10))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  while (warnings == 0) co_await env.sleep_for(1ms);
  co_await env.sleep_for(120ms);
  EXPECT_EQ(warnings, 1) << "one line for a whole spell";
  for (const int fd : hoard) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &old);
  auto answer = co_await echo::ask(env, (*listener)->address(), "hello");
  EXPECT_TRUE(answer.ok() && *answer == "hello");
  ::close(socket);
}

TEST(EpollEnvTest, PausesAcceptingWithoutFreeDescriptorsAndComesBack) {
  int warnings = 0;
  EpollOptions options;
  options.log_sink = [&warnings](std::string_view line) {
    if (line.find("accept_paused") != std::string_view::npos) ++warnings;
  };
  EXPECT_EQ(run_epoll(options, [&](Env& env) { return starve(env, warnings); }), 0);
}

Task<void> abandon_blocking(Env& env, const std::function<void()>& work) { co_await env.blocking(work); }

Task<void> destroy_while_blocking(Env& env, std::atomic<int>& stage) {
  // The frame goes while its work runs: destruction must wait for the work, which writes to it.
  const std::function<void()> work = [&stage] {
    stage = 1;
    while (stage != 2) ::usleep(100);
    ::usleep(5000);
    stage = 3;
  };
  TaskGroup group(env.executor());
  group.spawn(abandon_blocking(env, work));
  while (stage != 1) co_await env.sleep_for(1ms);
  stage = 2;
  group.cancel();
  EXPECT_EQ(stage, 3);
}

TEST(EpollEnvTest, ATaskDestroyedWhileItsWorkBlocksWaitsForIt) {
  std::atomic<int> stage = 0;
  EXPECT_EQ(run_epoll({}, [&](Env& env) { return destroy_while_blocking(env, stage); }), 0);
}

}  // namespace
}  // namespace aigrid::io
