// What the parts of a virtual world share: clock, run list, timers, randomness, event log. One thread, no hash order.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "io/env/timers.h"
#include "io/env/virtual_world.h"

namespace aigrid::io {

class EventLog {
 public:
  explicit EventLog(bool on) : on_(on) {}
  template <class... Pieces>
  void line(Time at, const Pieces&... pieces) {
    if (!on_) return;
    add(at.time_since_epoch().count());
    (add_spaced(pieces), ...);
    text_ += '\n';
  }
  const std::string& text() const { return text_; }

 private:
  template <class P>
  void add_spaced(const P& piece) {
    text_ += ' ';
    add(piece);
  }
  void add(std::string_view piece) { text_ += piece; }
  template <class I>
    requires std::is_integral_v<I>
  void add(I number) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text_.append(digits.data(), end);
  }
  std::string text_;
  bool on_;
};

struct VirtualCore {
  VirtualCore(std::uint64_t s, WorldOptions o)
      : seed(s), options(std::move(o)), random(s), log(options.keep_event_log) {}
  template <class... Pieces>
  void record(const Pieces&... pieces) {
    log.line(now, pieces...);
  }

  std::uint64_t seed;
  WorldOptions options;
  Time now{Duration(1000s)};
  TimerQueue timers;
  Executor executor;
  Random random;
  EventLog log;
  bool running = false;
};

// One machine as the network sees it.
struct Place {
  std::string name;
  std::string site;
  std::string ip;  // of the addresses its dials come from
};

}  // namespace aigrid::io
