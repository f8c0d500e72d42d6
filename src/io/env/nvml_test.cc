#include "io/env/nvml.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace aigrid::io {
namespace {

TEST(NvmlTest, ReadsWhatTheLibrarySaysAndLeavesOutWhatItDoesNot) {
  Nvml nvml(AIGRID_FAKE_NVML);
  const auto gpus = nvml.read();
  ASSERT_EQ(gpus.size(), 2U);
  EXPECT_EQ(gpus[0].name, "NVIDIA H200");
  EXPECT_DOUBLE_EQ(gpus[0].power_w.value(), 76.543);
  EXPECT_DOUBLE_EQ(gpus[0].temperature_c.value(), 31);
  EXPECT_DOUBLE_EQ(gpus[0].busy.value(), 0.42);
  EXPECT_EQ(gpus[0].memory_used_bytes.value(), 634388480U);
  EXPECT_EQ(gpus[0].memory_total_bytes.value(), 150754820096U);
  EXPECT_EQ(gpus[1].name, "NVIDIA Other");
  EXPECT_FALSE(gpus[1].power_w || gpus[1].temperature_c || gpus[1].busy || gpus[1].memory_used_bytes);
}

TEST(NvmlTest, NoLibraryIsNoReading) {
  Nvml nvml("/nowhere/libnvidia-ml.so.1");
  EXPECT_TRUE(nvml.read().empty());
}

TEST(NvmlTest, ADriverThatComesLaterIsFound) {
  Nvml nvml(AIGRID_FAKE_NVML);
  ::setenv("AIGRID_FAKE_NVML", "gone", 1);
  EXPECT_TRUE(nvml.read().empty());
  ::unsetenv("AIGRID_FAKE_NVML");
  EXPECT_EQ(nvml.read().size(), 2U);
}

}  // namespace
}  // namespace aigrid::io
