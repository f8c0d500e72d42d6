// Time: monotonic instants, wall instants and durations, all in nanoseconds. Nobody reads a clock except through Clock
// (implemented by io/env), so the same code runs in real and in virtual time. Plain values, any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace aigrid {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;  // 5ms, 1s

namespace detail {
struct MonotonicTag {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
};
struct WallTag {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
};
}  // namespace detail

// Monotonic: for deadlines and intervals; never crosses a process boundary (durations do).
using Time = std::chrono::time_point<detail::MonotonicTag, Duration>;
// Wall: UTC since the Unix epoch; may step. Only for people, certificates and records.
using WallTime = std::chrono::time_point<detail::WallTag, Duration>;

inline constexpr Time kNever = Time::max();

constexpr std::int64_t to_ms(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }
constexpr double to_ms_f(Duration d) { return static_cast<double>(d.count()) / 1e6; }
constexpr Duration from_ms_f(double ms) { return Duration(static_cast<std::int64_t>(ms * 1e6)); }
constexpr std::int64_t unix_seconds(WallTime t) { return t.time_since_epoch().count() / 1'000'000'000; }
constexpr std::int64_t unix_ms(WallTime t) { return t.time_since_epoch().count() / 1'000'000; }

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual WallTime wall() const = 0;
};

}  // namespace aigrid
