#include "core/resilience/link_estimator.h"

#include <cmath>

namespace aigrid::resilience {

void LinkEstimator::connected(Time now) {
  row_.up = true;
  row_.at = now;
}

void LinkEstimator::measured(Duration round_trip, Time now) {
  const float sample = static_cast<float>(to_ms_f(round_trip));
  row_.up = true;
  row_.at = now;
  if (std::isnan(row_.rtt_ms)) {
    row_.rtt_ms = sample;
    row_.jitter_ms = sample / 2;
    return;
  }
  const bool far = sample > row_.rtt_ms * kJump || sample * kJump < row_.rtt_ms;
  above_ = far ? above_ + 1 : 0;
  if (above_ >= 2) {  // one outlier is noise, two are a new path
    row_.rtt_ms = sample;
    above_ = 0;
    return;
  }
  row_.jitter_ms += kGain * (std::fabs(sample - row_.rtt_ms) - row_.jitter_ms);
  row_.rtt_ms += kGain * (sample - row_.rtt_ms);
}

void LinkEstimator::missed(Time now) {
  row_.up = false;
  row_.at = now;
}

void LinkEstimator::lost(Time now) {
  row_.up = false;
  ++row_.losses;
  row_.at = now;
}

}  // namespace aigrid::resilience
