// How env_test.cc runs a program under each Env. TEST_FOLDER is an existing, empty folder of the program.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "io/env/epoll_env.h"
#include "io/env/virtual_world.h"

namespace aigrid::io {

struct EpollRunner {
  static void run(std::function<Task<void>(Env&)> body) {
    std::string folder = testing::TempDir() + "aigrid-env-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    ::setenv("TEST_FOLDER", folder.c_str(), 1);
    EpollOptions options;
    options.log_sink = [](std::string_view) {};
    EXPECT_EQ(run_epoll(options, std::move(body)), 0);
    std::filesystem::remove_all(folder);
  }
};

inline Task<void> run_and_tell(Env& env, const std::function<Task<void>(Env&)>& body, bool& done) {
  co_await body(env);
  done = true;
}

struct VirtualRunner {
  static void run(const std::function<Task<void>(Env&)>& body) {
    VirtualWorld world(1);
    world.add_host("paris/test");
    world.set_variable("paris/test", "TEST_FOLDER", "/tmp");
    bool done = false;
    world.spawn("paris/test", [&](Env& env) { return run_and_tell(env, body, done); });
    EXPECT_TRUE(world.run_until([&] { return done; }, 3600s)) << world.event_log();
  }
};

using Runners = testing::Types<EpollRunner, VirtualRunner>;

}  // namespace aigrid::io
