// How env_test.cc runs a program under each Env. TEST_FOLDER is an existing, empty folder of the program.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "io/env/epoll_env.h"

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

using Runners = testing::Types<EpollRunner>;

}  // namespace aigrid::io
