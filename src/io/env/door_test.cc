// Workers that ask each other through doors, under both Envs: on real threads, and in the virtual world.
#include "io/env/door.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "io/env/test_runners.h"

namespace aigrid::io {
namespace {

template <class Runner>
class DoorTest : public testing::Test {};
TYPED_TEST_SUITE(DoorTest, Runners);

// Belongs to one worker, and nobody else touches it.
struct Clerk {
  Env& env;
  std::string name;
  int served = 0;
  bool leaves = false;
};

Task<Result<std::string>> greet(Clerk& clerk, std::string whom) {
  ++clerk.served;
  co_await clerk.env.sleep_for(1ms);
  if (whom.empty()) co_return invalid("nobody to greet");
  co_return clerk.name + " greets " + whom;
}

Task<Result<int>> never(Env& env) {
  co_await env.sleep_for(3600s);
  co_return 1;
}

// What the main worker knows of the others.
struct Desk {
  Clerk* clerk;
  Door door;
};
struct House {
  explicit House(Env& env) : reception(env), come(env.executor()) {}
  std::map<std::string, Desk> desks;
  Reception reception;
  Event come;
};

Task<void> be_clerk(Env& env, Door main, House& house, std::string name) {
  Clerk clerk{env, name};
  const Reception reception(env);
  main.tell([&house, name, desk = Desk{&clerk, reception.door()}] {
    house.desks.emplace(name, desk);
    house.come.set();
  });
  while (!clerk.leaves) co_await env.sleep_for(1ms);
}

Task<void> hire(Env& env, House& house) {
  const Door main = house.reception.door();
  for (const char* name : {"anna", "ben"}) {
    env.add_worker([&house, main, name](Env& worker) { return be_clerk(worker, main, house, name); });
  }
  while (house.desks.size() < 2) co_await house.come.wait();
}

Task<Result<std::string>> ask(Env& env, const Desk& desk, std::string whom) {
  std::function<Task<Result<std::string>>()> work = [clerk = desk.clerk, whom] { return greet(*clerk, whom); };
  co_return co_await desk.door.ask(env, std::move(work));
}

Task<void> ask_in_turn(Env& env) {
  House house(env);
  co_await hire(env, house);
  for (int round = 0; round < 50; ++round) {
    for (const auto& [name, desk] : house.desks) {
      const auto answer = co_await ask(env, desk, std::to_string(round));
      EXPECT_EQ(answer.ok() ? *answer : answer.error().message, name + " greets " + std::to_string(round));
    }
  }
  const auto refused = co_await ask(env, house.desks.at("ben"), "");
  EXPECT_EQ(refused.error().message, "nobody to greet");
}

TYPED_TEST(DoorTest, AnswersComeBackToTheWorkerThatAsked) { TypeParam::run(ask_in_turn); }

Task<void> ask_into(Env& env, const Desk& desk, int number, std::map<int, std::string>& heard) {
  const auto answer = co_await ask(env, desk, std::to_string(number));
  heard[number] = answer.ok() ? *answer : answer.error().message;
}

Task<void> ask_many_at_once(Env& env) {
  House house(env);
  co_await hire(env, house);
  std::map<int, std::string> heard;
  TaskGroup tasks(env.executor());
  for (int i = 0; i < 200; ++i) {
    tasks.spawn(ask_into(env, house.desks.at(i % 2 == 0 ? "anna" : "ben"), i, heard));
  }
  co_await tasks.join();
  EXPECT_EQ(heard.size(), 200U);
  EXPECT_EQ(heard[7], "ben greets 7");
  EXPECT_EQ(heard[8], "anna greets 8");
}

TYPED_TEST(DoorTest, ManyQuestionsAtOnce) { TypeParam::run(ask_many_at_once); }

Task<void> ask_for_ever(Env& env, const Desk& desk, Code& heard, Event& done) {
  std::function<Task<Result<int>>()> work = [clerk = desk.clerk] { return never(clerk->env); };
  const auto answer = co_await desk.door.ask(env, std::move(work));
  heard = answer.error().code;
  done.set();
}

Task<void> ask_who_leaves(Env& env) {
  House house(env);
  co_await hire(env, house);
  const Desk& ben = house.desks.at("ben");
  Code meanwhile = Code::Internal;
  Event done(env.executor());
  TaskGroup tasks(env.executor());
  tasks.spawn(ask_for_ever(env, ben, meanwhile, done));
  ben.door.tell([clerk = ben.clerk] { clerk->leaves = true; });
  co_await done.wait();
  EXPECT_EQ(meanwhile, Code::Unavailable);
  const auto late = co_await ask(env, ben, "anybody");
  EXPECT_EQ(late.error().code, Code::Unavailable);
  const auto other = co_await ask(env, house.desks.at("anna"), "anybody");
  EXPECT_TRUE(other.ok());
}

TYPED_TEST(DoorTest, WhoAsksOneThatLeavesIsToldSo) { TypeParam::run(ask_who_leaves); }

Task<Result<int>> count_of(Clerk& clerk) { co_return clerk.served; }

Task<void> stop_waiting(Env& env) {
  House house(env);
  co_await hire(env, house);
  const Desk& anna = house.desks.at("anna");
  {
    std::map<int, std::string> heard;
    TaskGroup tasks(env.executor());
    tasks.spawn(ask_into(env, anna, 1, heard));
  }
  std::function<Task<Result<int>>()> work = [clerk = anna.clerk] { return count_of(*clerk); };
  const auto served = co_await anna.door.ask(env, std::move(work));
  EXPECT_TRUE(served.ok());
  EXPECT_EQ(*served, 1);
}

TYPED_TEST(DoorTest, WhoStopsWaitingDoesNotStopTheWork) { TypeParam::run(stop_waiting); }

}  // namespace
}  // namespace aigrid::io
