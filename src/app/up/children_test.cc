#include "app/up/children.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "io/env/virtual_world.h"

namespace aigrid::up {
namespace {

// A process that leaves when asked, unless it is stubborn; "dies" ends by itself with code 3.
io::Task<int> child(io::Env& env, io::ProcessSpec spec) {
  const std::string kind = spec.argv.size() > 1 ? spec.argv[1] : "";
  if (kind == "dies") co_return 3;
  if (kind != "stubborn") co_await env.stop_requested().wait();
  if (kind == "stubborn") co_await env.sleep_for(3600s);
  co_return 0;
}

struct Deaths {
  std::vector<std::string> seen;
  Children::Died note() {
    return [this](const std::string& name, io::ExitStatus status) { seen.push_back(name + " " + describe(status)); };
  }
};

// Runs `body` as the only host's task, until it is over.
void in_world(const std::function<io::Task<void>(io::Env&)>& body) {
  io::VirtualWorld world(1);
  world.add_host("a/up");
  world.register_program("child", child);
  bool done = false;
  const auto wrapped = [&](io::Env& env) -> io::Task<void> {
    co_await body(env);
    done = true;
  };
  world.spawn("a/up", wrapped);
  EXPECT_TRUE(world.run_until([&] { return done; }, 600s)) << world.event_log().substr(0, 3000);
}

io::ProcessSpec spec(const std::string& kind = "") { return {{"child", kind}, {}, {}, {}}; }

io::Task<void> restarts(io::Env& env) {
  Deaths deaths;
  Children children(env, deaths.note());
  auto begun = children.start("gateway-paris", spec());
  EXPECT_TRUE(begun.ok());
  begun = children.start("agent-lyon-1", spec());
  EXPECT_EQ(children.names(), (std::vector<std::string>{"agent-lyon-1", "gateway-paris"}));
  const int first = children.pid("gateway-paris");
  EXPECT_NE(first, 0);
  EXPECT_EQ(children.pid("nobody"), 0);

  auto running = children.restart("paris");  // the site's name is enough
  EXPECT_EQ(running.error().code, Code::AlreadyExists);
  EXPECT_NE(running.error().message.find(std::to_string(first)), std::string::npos) << running.error().message;
  auto unknown = children.restart("gateway-pari");
  EXPECT_EQ(unknown.error().code, Code::NotFound);
  EXPECT_NE(unknown.error().message.find("did you mean gateway-paris"), std::string::npos) << unknown.error().message;
  co_await children.stop(1s);
  EXPECT_FALSE(children.running());
  EXPECT_TRUE(deaths.seen.empty()) << "stop() is not a death";
}

TEST(Children, are_started_again_by_name_only_when_they_are_gone) { in_world(restarts); }

io::Task<void> deaths_are_told(io::Env& env) {
  Deaths deaths;
  Children children(env, deaths.note());
  auto begun = children.start("gateway-paris", spec("dies"));
  EXPECT_TRUE(begun.ok());
  co_await env.sleep_for(1s);
  EXPECT_EQ(deaths.seen, std::vector<std::string>{"gateway-paris exit code 3"});
  EXPECT_EQ(children.pid("gateway-paris"), 0);
  EXPECT_FALSE(children.running()) << "nothing is started again by itself";
  auto again = children.restart("gateway-paris");
  EXPECT_TRUE(again.ok());
  co_await env.sleep_for(1s);
  EXPECT_EQ(deaths.seen.size(), 2U);
  EXPECT_EQ(describe({0, SIGKILL}), "signal 9");
}

TEST(Children, tell_of_a_death_and_stay_dead) { in_world(deaths_are_told); }

io::Task<void> stops_the_stubborn(io::Env& env) {
  Deaths deaths;
  Children children(env, deaths.note());
  auto begun = children.start("agent-a", spec("stubborn"));
  begun = children.start("agent-b", spec());
  EXPECT_TRUE(begun.ok());
  co_await env.sleep_for(1ms);
  const Time asked = env.now();
  co_await children.stop(5s);
  EXPECT_FALSE(children.running());
  EXPECT_GE(env.now() - asked, 5s) << "the stubborn one was given its time";
  EXPECT_LT(env.now() - asked, 6s);
  EXPECT_TRUE(deaths.seen.empty());
}

TEST(Children, are_killed_when_they_do_not_stop_in_time) { in_world(stops_the_stubborn); }

io::Task<void> what_cannot_start(io::Env& env) {
  Children children(env, [](const std::string&, io::ExitStatus) {});
  const auto begun = children.start("control", {{"/no/such/program"}, {}, {}, {}});
  EXPECT_FALSE(begun.ok());
  EXPECT_EQ(children.pid("control"), 0);
  EXPECT_FALSE(children.running());
  co_await children.stop(1s);
}

TEST(Children, that_cannot_be_started_are_an_error) { in_world(what_cannot_start); }

}  // namespace
}  // namespace aigrid::up
