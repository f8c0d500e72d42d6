// Like gtest's main, with --seed=N.
#include <gmock/gmock.h>

#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--seed=")) setenv("AIGRID_WORLD_SEED", argument.substr(7).data(), 1);
  }
  return RUN_ALL_TESTS();
}
