// EngineAccount: what one engine says it has made against what its node has written down of it. An engine goes on for a
// batch or a few tokens after its caller has left, and nobody is there to hear of these: its own counters have them.
// One per engine, one owner. Pure.
#pragma once

#include "grid/usage.h"

namespace aigrid::ledger {

class EngineAccount {
 public:
  // Its counters begin at zero again.
  void restarted() { written_ = {}; }
  // The work of an attempt or a probe, which has a record of its own.
  void wrote(const grid::Usage& work);
  // `counters`: the engine's own since its start, read while no attempt ran, began or ended on it. What they have that
  // no record has; it is the caller's to write down, and counts as written from now on. An engine that counts less than
  // was written owes the difference first.
  grid::Usage unclaimed(const grid::Usage& counters);
  const grid::Usage& written() const { return written_; }

 private:
  grid::Usage written_;
};

}  // namespace aigrid::ledger
