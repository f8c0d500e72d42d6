// What only the virtual world does: repeat itself, and break on demand.
#include "io/env/virtual_world.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>

#include "io/env/echo_app_test.h"

namespace aigrid::io {
namespace {

constexpr const char* kAt = "10.1.0.1:80";

Task<void> echo_server(Env& env, Address at) {
  auto listener = env.listen(at, {});
  EXPECT_TRUE(listener.ok()) << listener.error().message;
  if (listener.ok()) co_await echo::serve(env, **listener);
}

// A conversation kept open: sends a byte every 10 ms, waits for its echo.
struct Talk {
  int echoes = 0;
  std::optional<Error> error;
};

Task<Result<void>> talk(Env& env, Address at, Talk& out) {
  AIGRID_CO_TRY(auto stream, co_await env.dial(at, 2s));
  std::array<char, 1> byte{};
  for (;;) {
    AIGRID_CO_CHECK_OK(co_await write_all(env, *stream, "x"));
    AIGRID_CO_TRY(const std::size_t got, co_await read_some(env, *stream, byte));
    if (got == 0) co_return unavailable("ended");
    ++out.echoes;
    co_await env.sleep_for(10ms);
  }
}

Task<void> talk_until_error(Env& env, Address at, Talk& out) {
  auto result = co_await talk(env, at, out);
  out.error = result.error();
}

struct WorldTest : testing::Test {
  VirtualWorld world{42};
  Talk talk;
  void SetUp() override {
    world.add_host("paris/server");
    world.add_host("madrid/client");
    world.set_link("paris", "madrid", {10ms, 2ms});
  }
  void serve() {
    world.spawn("paris/server", [](Env& env) { return echo_server(env, kAt); });
  }
  void start_talk() {
    talk = Talk();
    world.spawn("madrid/client", [this](Env& env) { return talk_until_error(env, kAt, talk); });
  }
  bool echoes(int n) {
    return world.run_until([this, n] { return talk.echoes >= n; }, 60s);
  }
  bool error() {
    return world.run_until([this] { return talk.error.has_value(); }, 60s);
  }
};

std::string run_crowd(std::uint64_t seed) {
  VirtualWorld world(seed);
  world.add_host("paris/server");
  world.set_link("paris", "madrid", {10ms, 5ms});
  world.spawn("paris/server", [](Env& env) { return echo_server(env, kAt); });
  int right = 0;
  for (unsigned i = 0; i < 20; ++i) {
    const std::string name = "madrid/client" + std::to_string(i);
    world.add_host(name);
    world.spawn(name, [i, &right](Env& env) { return echo::ask_and_count(env, kAt, i, right); });
  }
  world.run_for(20ms);
  world.kill("madrid/client7");
  EXPECT_TRUE(world.run_until([&] { return right == 19; }, 60s));
  return world.event_log();
}

TEST(VirtualWorldTest, TheSameSeedGivesTheSameRunAndAnotherDoesNot) {
  const std::string first = run_crowd(1);
  EXPECT_GT(first.size(), 1000U);
  EXPECT_EQ(first, run_crowd(1));
  EXPECT_NE(first, run_crowd(2));
}

TEST_F(WorldTest, LinksDelayBothWays) {
  serve();
  const Time start = world.now();
  start_talk();
  ASSERT_TRUE(echoes(1));
  // A round trip to connect and one to speak, each 20 to 24 ms.
  EXPECT_GE(world.now() - start, 40ms);
  EXPECT_LE(world.now() - start, 48ms);
}

TEST_F(WorldTest, KillResetsAndRestartServesAgain) {
  serve();
  start_talk();
  ASSERT_TRUE(echoes(3));
  world.kill("paris/server");
  EXPECT_FALSE(world.alive("paris/server"));
  ASSERT_TRUE(error());
  EXPECT_EQ(talk.error->code, Code::Unavailable);
  start_talk();
  ASSERT_TRUE(error());
  EXPECT_EQ(talk.error->code, Code::Unavailable) << "refused";
  world.restart("paris/server");
  serve();
  start_talk();
  EXPECT_TRUE(echoes(3));
}

Task<void> kill_from_inside(Env& env, VirtualWorld& world, std::string victim, bool& survived) {
  co_await env.sleep_for(50ms);
  world.kill(victim);
  co_await env.sleep_for(50ms);
  survived = true;
}

TEST_F(WorldTest, AHostMayKillAnotherOrItself) {
  serve();
  start_talk();
  bool survived = false;
  world.spawn("madrid/client", [&](Env& env) { return kill_from_inside(env, world, "paris/server", survived); });
  ASSERT_TRUE(error());
  world.run_for(1s);
  EXPECT_TRUE(survived);
  bool survived_itself = false;
  world.spawn("madrid/client",
              [&](Env& env) { return kill_from_inside(env, world, "madrid/client", survived_itself); });
  world.run_for(1s);
  EXPECT_FALSE(survived_itself);
}

TEST_F(WorldTest, ACutResetsAtOnceAndRefusesUntilRestored) {
  serve();
  start_talk();
  ASSERT_TRUE(echoes(3));
  world.cut("paris", "madrid");
  ASSERT_TRUE(error());
  start_talk();
  ASSERT_TRUE(error());
  EXPECT_EQ(talk.error->code, Code::Unavailable);
  world.restore("madrid", "paris");
  start_talk();
  EXPECT_TRUE(echoes(3));
}

TEST_F(WorldTest, AShortSilentCutOnlyDelays) {
  serve();
  start_talk();
  ASSERT_TRUE(echoes(3));
  world.cut("madrid", "*", {.reset_after = 10s, .dials_time_out = true});
  const int before = talk.echoes;
  world.run_for(5s);
  EXPECT_LE(talk.echoes, before);
  EXPECT_FALSE(talk.error);
  world.restore("madrid", "*");
  EXPECT_TRUE(echoes(before + 3));
  world.cut("madrid", "*", {.reset_after = 10s, .dials_time_out = true});
  ASSERT_TRUE(error());
  start_talk();
  const Time start = world.now();
  ASSERT_TRUE(error());
  EXPECT_EQ(talk.error->code, Code::DeadlineExceeded);
  EXPECT_EQ(world.now() - start, 2s);
}

Task<void> append_lines(Env& env, int lines, std::optional<Error>& error) {
  auto file = env.files().open("/log", OpenMode::Create);
  for (int i = 0; i < lines && !error; ++i) {
    auto done = (*file)->append("0123456789");
    if (i % 2 == 0 && done.ok()) done = co_await (*file)->sync();
    if (!done.ok()) error = done.error();
  }
  co_await env.sleep_for(3600s);
}

TEST_F(WorldTest, FilesSurviveAKillAndLoseOnlyTheUnsyncedTailWithThePower) {
  std::optional<Error> error;
  world.spawn("paris/server", [&](Env& env) { return append_lines(env, 4, error); });
  world.run_for(1s);
  world.kill("paris/server");
  EXPECT_EQ(world.restart("paris/server").files().read_all("/log")->size(), 40U);
  world.kill("paris/server", true);
  const auto left = *world.restart("paris/server").files().read_all("/log");
  EXPECT_GE(left.size(), 30U);
  EXPECT_LE(left.size(), 40U);
}

TEST_F(WorldTest, AFullDiskAndAFailingSyncAreErrors) {
  std::optional<Error> full;
  world.set_free_bytes("paris/server", 25);
  world.spawn("paris/server", [&](Env& env) { return append_lines(env, 4, full); });
  world.run_for(1s);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->code, Code::ResourceExhausted);
  EXPECT_EQ(world.env("paris/server").files().read_all("/log")->size(), 20U);
  EXPECT_EQ(*world.env("paris/server").files().free_bytes("/"), 5U);
  EXPECT_EQ(*world.env("paris/server").files().total_bytes("/"), 25U);
  EXPECT_FALSE(world.env("paris/server").files().replace("/conf", "0123456789").ok());
  EXPECT_EQ(world.env("paris/server").files().stat("/conf.tmp").error().code, Code::NotFound);
  std::optional<Error> failed;
  world.fail_next_sync("madrid/client");
  world.spawn("madrid/client", [&](Env& env) { return append_lines(env, 4, failed); });
  world.run_for(1s);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, Code::Internal);
}

TEST_F(WorldTest, AClockStepMovesTheWallAndNothingElse) {
  Env& server = world.env("paris/server");
  Env& client = world.env("madrid/client");
  const Time now = server.now();
  world.step_clock("paris/server", -90s);
  EXPECT_EQ(client.wall() - server.wall(), 90s);
  EXPECT_EQ(server.now(), now);
}

Task<void> wait_for_stop(Env& env, bool& stopped) {
  co_await env.stop_requested().wait();
  stopped = true;
}

TEST_F(WorldTest, StopAsksAndWorkersShareThePort) {
  bool stopped = false;
  bool worker_stopped = false;
  world.env("paris/server").add_worker([&](Env& env) { return wait_for_stop(env, worker_stopped); });
  world.spawn("paris/server", [&](Env& env) { return wait_for_stop(env, stopped); });
  world.run_for(1s);
  EXPECT_FALSE(stopped || worker_stopped);
  world.stop("paris/server");
  world.run_for(1s);
  EXPECT_TRUE(stopped && worker_stopped);
}

Task<int> nap(Env& env, ProcessSpec spec) {
  env.log().note("napping", {{"why", env.variable("WHY")}});
  if (spec.argv.size() > 1) {
    co_await env.stop_requested().wait();
    co_return 5;
  }
  co_await env.sleep_for(1s);
  co_return 7;
}

struct Ends {
  ExitStatus normal;
  ExitStatus asked;
  ExitStatus killed;
  bool done = false;
};

Task<void> start_three(Env& env, Ends& ends) {
  EXPECT_EQ(env.start({{"/bin/none"}, {}, {}, {}}).error().code, Code::NotFound);
  auto normal = env.start({{"/bin/nap"}, {{"WHY", "tired"}}, {}, "/out"});
  auto asked = env.start({{"nap", "long"}, {}, {}, {}});
  auto killed = env.start({{"nap", "long"}, {}, {}, {}});
  co_await env.sleep_for(10ms);
  (*asked)->signal(SIGTERM);
  (*killed)->signal(SIGKILL);
  ends.normal = co_await (*normal)->wait();
  ends.asked = co_await (*asked)->wait();
  ends.killed = co_await (*killed)->wait();
  ends.done = true;
}

TEST_F(WorldTest, ProcessesExitAreAskedAndAreKilled) {
  world.register_program("nap", nap);
  Ends ends;
  world.spawn("paris/server", [&](Env& env) { return start_three(env, ends); });
  ASSERT_TRUE(world.run_until([&] { return ends.done; }, 10s));
  EXPECT_EQ(ends.normal.code, 7);
  EXPECT_EQ(ends.asked.code, 5);
  EXPECT_EQ(ends.killed.signal, SIGKILL);
  EXPECT_NE(world.env("paris/server").files().read_all("/out")->find("\"why\":\"tired\""), std::string::npos);
  EXPECT_NE(world.log_of("paris/server").find("napping"), std::string::npos);
}

Task<void> serve_as_child(Env& env, std::unique_ptr<Process>& child) {
  auto started = env.start({{"server"}, {}, {}, {}});
  child = std::move(*started);
  co_await env.sleep_for(3600s);
}

Task<int> server_program(Env& env, ProcessSpec) {
  co_await echo_server(env, kAt);
  co_return 0;
}

TEST_F(WorldTest, ChildrenDieWithTheirHost) {
  world.register_program("server", server_program);
  std::unique_ptr<Process> child;
  world.spawn("paris/server", [&](Env& env) { return serve_as_child(env, child); });
  start_talk();
  ASSERT_TRUE(echoes(2));
  world.kill("paris/server");
  ASSERT_TRUE(error());
  EXPECT_EQ(talk.error->code, Code::Unavailable);
}

TEST_F(WorldTest, NothingLeftToDoEndsTheRun) {
  const Time start = world.now();
  EXPECT_FALSE(world.run_until([] { return false; }, 5s));
  EXPECT_EQ(world.now() - start, 5s);
}

}  // namespace
}  // namespace aigrid::io
