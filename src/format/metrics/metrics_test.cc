#include <gtest/gtest.h>

#include <cmath>

#include "format/metrics/exposition.h"
#include "format/metrics/proc.h"

namespace aigrid::metrics {
namespace {

TEST(Exposition, WritesWhatItReads) {
  Registry r;
  r.counter("aigrid_requests_total", "requests\nby outcome", {{"site", "pa\"ris\\"}}).add(3);
  r.counter("aigrid_requests_total", "", {{"site", "lyon"}}).add();
  r.gauge("aigrid_slots", "free").set(-1.5);
  auto& h = r.histogram("aigrid_ttft_seconds", "first token", {0.1, 1});
  for (double v : {0.05, 0.1, 0.5, 7.0}) h.observe(v);
  EXPECT_EQ(
      write(r),
      "# HELP aigrid_requests requests\\nby outcome\n# TYPE aigrid_requests counter\n"
      "aigrid_requests_total{site=\"lyon\"} 1\naigrid_requests_total{site=\"pa\\\"ris\\\\\"} 3\n"
      "# HELP aigrid_slots free\n# TYPE aigrid_slots gauge\naigrid_slots -1.5\n"
      "# HELP aigrid_ttft_seconds first token\n# TYPE aigrid_ttft_seconds histogram\n"
      "aigrid_ttft_seconds_bucket{le=\"0.1\"} 2\naigrid_ttft_seconds_bucket{le=\"1.0\"} 3\n"
      "aigrid_ttft_seconds_bucket{le=\"+Inf\"} 4\naigrid_ttft_seconds_sum 7.65\naigrid_ttft_seconds_count 4\n# EOF\n");
  const auto back = parse_metrics(write(r));
  ASSERT_EQ(back.size(), 8U);
  EXPECT_EQ(back[1].labels.at("site"), "pa\"ris\\");
  EXPECT_EQ(sum_of(back, "aigrid_requests_total"), 4);
  EXPECT_FALSE(sum_of(back, "none"));
}

TEST(Exposition, WorkersMerge) {
  Registry a;
  Registry b;
  a.counter("c", "").add(1);
  b.counter("c", "").add(2);
  a.histogram("h", "", {1}).observe(0.5);
  b.histogram("h", "", {1}).observe(2);
  b.gauge("g", "").set(4);
  a.merge(b);
  EXPECT_EQ(a.counter("c", "").value, 3);
  EXPECT_EQ(a.histogram("h", "", {1}).count, 2U);
  EXPECT_EQ(a.gauge("g", "").value, 4);
}

TEST(Exposition, ReadsEnginesAndSkipsNonsense) {
  const auto s = parse_metrics(
      "# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed, excluding cached tokens\n"
      "# TYPE llamacpp:prompt_tokens_total counter\nllamacpp:prompt_tokens_total 36\n"
      "vllm:cache{a=\"1\", b=\"x}y\",} 1.5e3 1700000000\nup +Inf\nx NaN\n"
      "5bad 1\nnovalue\nopen{a=\"1 2\nopen{a= 2\nword abc\n{} 1\n\n");
  ASSERT_EQ(s.size(), 4U);
  EXPECT_EQ(sum_of(s, "llamacpp:prompt_tokens_total"), 36);
  EXPECT_EQ(s[1].labels.at("b"), "x}y");
  EXPECT_EQ(s[1].value, 1500);
  EXPECT_TRUE(std::isinf(s[2].value) && std::isnan(s[3].value));
  EXPECT_EQ(parse_metrics("a 1\nb 2\nc 3\n", 2).size(), 2U);
}

TEST(Proc, Cpu) {
  const auto before = parse_cpu("cpu  100 0 50 800 50 0 0 0 10 0\ncpu0 1 2 3 4\n");
  ASSERT_TRUE(before);
  EXPECT_EQ(before->total, 1000U);
  EXPECT_EQ(before->busy, 150U);
  const auto now = parse_cpu("cpu  150 0 50 850 50 0 0 0 0 0");
  ASSERT_TRUE(now);
  EXPECT_EQ(cpu_busy(*before, *now), 0.5);
  EXPECT_FALSE(cpu_busy(*now, *now));
  EXPECT_FALSE(cpu_busy(*now, *before));
  for (const char* bad : {"", "cpu", "cpu 1 2 x 4 5", "cpu0 1 2 3 4 5", "cpu -1 2 3 4 5"})
    EXPECT_FALSE(parse_cpu(bad)) << bad;
}

TEST(Proc, MemoryDisksAndLoad) {
  const auto m = parse_memory("MemTotal:       16384 kB\nMemFree: 100 kB\nMemAvailable:    4096 kB\n");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->used_bytes(), 12288U * 1024);
  EXPECT_FALSE(parse_memory("MemTotal: 5 kB\n"));
  EXPECT_FALSE(parse_memory("MemTotal: 5 kB\nMemAvailable: 6 kB\n"));
  const auto d = parse_disks(
      "   7       0 loop0 10 0 99 0 0 0 0 0 0 0 0\n 259       0 nvme0n1 10 0 8 0 5 0 4 0 0 0 0\n"
      " 259       1 nvme0n1p1 10 0 8 0 5 0 4 0 0 0 0\n   8       0 sda 1 0 2 3 4 5 6 7 8 9 10\n   8  1 sda1 1 0 2 3 4 "
      "5 6 7 8 9 10\n"
      " 254 0 dm-0 1 0 2 3 4 5 6 7 8 9 10\n");
  ASSERT_TRUE(d);
  EXPECT_EQ(d->read, 10U * 512);
  EXPECT_EQ(d->written, 10U * 512);
  EXPECT_FALSE(parse_disks("garbage\n"));
  EXPECT_EQ(parse_load("0.13 0.11 0.03 1/200 5\n"), 0.13);
  for (const char* bad : {"", "x", "-1 0 0", "nan", "inf"}) EXPECT_FALSE(parse_load(bad)) << bad;
}

TEST(Proc, PowerAndTemperature) {
  EXPECT_EQ(parse_energy_uj("262143328850\n"), 262143328850U);
  EXPECT_FALSE(parse_energy_uj(""));
  EXPECT_EQ(watts(1'000'000, 51'000'000, 0, 0.5), 100);
  EXPECT_DOUBLE_EQ(watts(90, 10, 100, 1e-6).value_or(0), 20) << "the counter wrapped";
  EXPECT_FALSE(watts(90, 10, 0, 1));
  EXPECT_FALSE(watts(1, 2, 0, 0));
  EXPECT_EQ(parse_temperature_c("45500\n"), 45.5);
  for (const char* bad : {"", "x", "0", "-273000", "4294967295", "1 2"}) EXPECT_FALSE(parse_temperature_c(bad)) << bad;
}

}  // namespace
}  // namespace aigrid::metrics
