// LinkEstimator: one link as measured from this end: smoothed round trip and jitter (exponentially weighted, RFC 6298's
// form with a faster gain: half of a change is seen after two samples), connections lost, up or down. Pure; one owner.
#pragma once

#include "base/time.h"
#include "core/routing/snapshot.h"

namespace aigrid::resilience {

class LinkEstimator {
 public:
  static constexpr float kGain = 0.3F;
  // Beyond this factor a sample is taken as the new level at once: a rerouted link, not noise.
  static constexpr float kJump = 2.0F;

  void connected(Time now);
  void measured(Duration round_trip, Time now);
  void missed(Time now);  // a ping without an answer
  void lost(Time now);    // the connection
  const routing::LinkRow& row() const { return row_; }

 private:
  routing::LinkRow row_;
  int above_ = 0;  // samples in a row beyond kJump
};

}  // namespace aigrid::resilience
