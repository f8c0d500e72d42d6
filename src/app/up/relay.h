// Relay: a byte-stream path between two places, with delay and jitter that can be changed, cut and restored while it
// runs. It knows nothing of what it carries. Its commands, one line each: `delay MS [jitter MS]` (of one direction; a
// round trip takes twice that) | `cut` (connections end, new ones are refused) | `restore` (as configured) | `show`.
// One worker; destroying it ends its connections.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "app/up/delay_queue.h"
#include "base/random.h"
#include "io/env/env.h"

namespace aigrid::up {

struct RelayLimits {
  std::size_t room = 0;   // bytes under way in one direction of one connection
  std::size_t piece = 0;  // bytes read at once
  Duration dial_within{};
};

struct RelayOptions {
  io::Address listen;
  io::Address target;
  PathDelay felt;
  RelayLimits limits;
};

class Relay {
 public:
  Relay(io::Env& env, RelayOptions options);

  Result<void> start();
  // "ok …" or "error …".
  std::string command(std::string_view line);

  const io::Address& address() const { return options_.listen; }
  PathDelay felt() const { return felt_; }
  bool cut() const { return listener_ == nullptr; }
  std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection;
  struct Direction;
  io::Task<void> accept();
  io::Task<void> carry(std::unique_ptr<io::Stream> from);
  io::Task<void> take_in(Connection& connection, Direction& way);
  io::Task<void> give_out(Connection& connection, Direction& way);
  void end_all();

  io::Env& env_;
  RelayOptions options_;
  PathDelay felt_;
  Random random_;
  std::unique_ptr<io::Listener> listener_;
  io::TaskGroup connections_;
  io::TaskGroup acceptor_;
};

// The new delay, or what is wrong with the text. `words`: "MS [jitter MS]".
Result<PathDelay> parse_delay(std::string_view words);

}  // namespace aigrid::up
