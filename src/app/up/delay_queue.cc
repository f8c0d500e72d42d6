#include "app/up/delay_queue.h"

#include <algorithm>
#include <utility>

namespace aigrid::up {

void DelayQueue::push(Piece piece, Time now, PathDelay felt, double unit) {
  const double spread = static_cast<double>(felt.jitter.count()) * (2 * unit - 1);
  const Duration takes = std::max(Duration(0), felt.delay + Duration(static_cast<std::int64_t>(spread)));
  last_due_ = std::max(last_due_, now + takes);
  bytes_ += piece.bytes.size();
  pieces_.push_back({last_due_, std::move(piece)});
}

std::optional<DelayQueue::Piece> DelayQueue::pop(Time now) {
  if (pieces_.empty() || pieces_.front().due > now) return std::nullopt;
  Piece out = std::move(pieces_.front().piece);
  pieces_.pop_front();
  bytes_ -= out.bytes.size();
  return out;
}

}  // namespace aigrid::up
