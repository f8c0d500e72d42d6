// AgentCadence: every number that an agent keeps to and that is not an engine's life: how often it looks and says, how
// long it waits, how much it holds. One source of defaults; tests set their own. Plain value.
#pragma once

#include <cstddef>

#include "base/time.h"

namespace aigrid::placement {

struct AgentCadence {
  Duration report_every = 100ms;
  Duration engine_poll_every = 500ms;
  Duration engine_poll_within = 2s;
  Duration telemetry_every = 1s;
  Duration drain_within = 30s;  // a graceful stop waits so long for running attempts
  // A whole (not streamed) answer comes in one piece, perhaps after minutes: an engine that has not refused after
  // `accept_after` has accepted, and `still_working` is how often we say so afterwards.
  Duration accept_after = 2s;
  Duration still_working = 5s;
  Duration answer_within = 600s;  // the gateway cancels earlier; this is for one that forgot
  // Records of attempts on their way to control; a batch fits into what a gateway relays for its agents (64 KiB).
  std::size_t record_batch = 64;
  std::size_t record_batch_bytes = std::size_t{48} << 10U;
  std::size_t homeless_records = 4096;                   // kept in memory while the disk is full
  std::size_t engine_log_bytes = std::size_t{8} << 20U;  // an engine's log beyond it becomes the one before
  Duration ping_every = 1s;
  Duration ping_within = 5s;
  std::size_t request_body_bytes = std::size_t{64} << 20U;
  std::size_t answer_bytes = std::size_t{64} << 20U;  // of a whole answer
};

}  // namespace aigrid::placement
