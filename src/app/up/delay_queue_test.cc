#include "app/up/delay_queue.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace aigrid::up {
namespace {

constexpr Time kStart{100s};

TEST(DelayQueue, gives_nothing_before_its_time) {
  DelayQueue queue(1000);
  EXPECT_EQ(queue.next(), kNever);
  queue.push({"abc", false}, kStart, {20ms, 0ms}, 0.5);
  EXPECT_EQ(queue.next(), kStart + 20ms);
  EXPECT_FALSE(queue.pop(kStart + 19ms));
  const auto piece = queue.pop(kStart + 20ms);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->bytes, "abc");
  EXPECT_EQ(queue.next(), kNever);
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(DelayQueue, jitter_spreads_but_never_reorders) {
  DelayQueue queue(1 << 20);
  Random random(7);
  Time earliest = kNever;
  Time latest{};
  for (int i = 0; i < 1000; ++i) {
    const Time now = kStart + i * 1ms;
    queue.push({std::to_string(i), false}, now, {50ms, 20ms}, random.unit());
    Time due = queue.next();
    while (queue.pop(due)) {
      due = queue.next();
    }
  }
  for (int i = 0; i < 500; ++i) {
    queue.push({std::to_string(i), false}, kStart + 100s + i * 1ms, {50ms, 20ms}, random.unit());
  }
  for (int i = 0; i < 500; ++i) {
    const Time due = queue.next();
    const Duration took = due - (kStart + 100s + i * 1ms);
    earliest = std::min(earliest, Time{took});
    latest = std::max(latest, Time{took});
    const auto piece = queue.pop(due);
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->bytes, std::to_string(i));
  }
  EXPECT_GE(earliest, Time{30ms});
  EXPECT_LE(latest, Time{70ms});
  EXPECT_GT(latest, earliest);
}

TEST(DelayQueue, shorter_delay_waits_for_what_is_under_way) {
  DelayQueue queue(1000);
  queue.push({"first", false}, kStart, {100ms, 0ms}, 0);
  queue.push({"second", false}, kStart + 1ms, {1ms, 0ms}, 0);
  EXPECT_FALSE(queue.pop(kStart + 50ms));
  EXPECT_EQ(queue.pop(kStart + 100ms)->bytes, "first");
  EXPECT_EQ(queue.pop(kStart + 100ms)->bytes, "second");
  queue.push({"third", true}, kStart + 200ms, {1ms, 0ms}, 0);
  EXPECT_EQ(queue.next(), kStart + 201ms);
}

TEST(DelayQueue, jitter_larger_than_the_delay_is_never_negative) {
  DelayQueue queue(1000);
  queue.push({"x", false}, kStart, {1ms, 10ms}, 0);
  EXPECT_EQ(queue.next(), kStart);
}

TEST(DelayQueue, says_when_it_is_full) {
  DelayQueue queue(4);
  queue.push({"abc", false}, kStart, {}, 0);
  EXPECT_FALSE(queue.full());
  queue.push({"d", false}, kStart, {}, 0);
  EXPECT_TRUE(queue.full());
  EXPECT_TRUE(queue.pop(kStart));
  EXPECT_FALSE(queue.full());
}

}  // namespace
}  // namespace aigrid::up
