// Cadence: how often the parts of the grid speak to each other, and how long they wait for an answer. One source of
// defaults for gateways and agents; tests set their own. Durations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace aigrid::dispatch {

struct Cadence {
  Duration node_rows_every = 100ms;  // and at every end of an attempt
  Duration site_rows_every = 200ms;
  Duration status_every = 1s;
  Duration engine_look_every = 500ms;  // an engine's own metrics
  // Both ends of a link look for each other this often; a lost answer is a lost connection. Fast, because a smoothed
  // round trip must follow a changed link within two seconds.
  Duration ping_every = 200ms;
  Duration ping_within = 1s;
  Duration dial_within = 5s;
  Duration redial_least = 100ms;  // doubling, jittered, up to:
  Duration redial_most = 2s;
  Duration relay_look = 250ms;  // for peers that no direct link reaches; each failure waits longer, as redialling does
  // One whole question to control: a join or a renewal that is relayed, a batch of records.
  Duration ask_within = 10s;
  Duration records_retry = 5s;  // after control took none of a batch
  std::size_t inner_connections = 10'000;
  Duration slot_retry = 100ms;    // the way to the owner of a queue broke, and nobody else has become it
  Duration accept_retry = 100ms;  // out of descriptors: the next one may fit
  // A stopping process lets running requests end for so long.
  Duration drain_within = 30s;
  Duration drain_look = 20ms;
  Duration stop_within = 1s;  // then those still running are told that it stops
  struct {
    std::size_t most = 1000;
    std::size_t most_bytes = std::size_t{1} << 20U;
    std::size_t most_homeless = 10'000;  // kept in memory while the disk is full; then new requests are refused
  } records;                             // shipped in one batch
  struct {
    Duration take_every = 1s;       // leaves go from the spool into the signed log; sooner where a proof is asked for
    Duration show_every = 2s;       // to control, which witnesses it
    Duration distance_every = 60s;  // both ends of each link sign what they measured
    std::size_t most = 5000;
    std::size_t most_bytes = std::size_t{4} << 20U;
    Duration prove_within = 2s;  // a question waits so long for the log to catch up
    Duration prove_look = 5ms;
  } audit;
};

}  // namespace aigrid::dispatch
