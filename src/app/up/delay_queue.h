// DelayQueue: what is under way in one direction of a relay: each piece with the time it comes out. Jitter never
// changes the order, and a shorter delay never overtakes what is under way, as on a real path. Pure; one owner.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "base/time.h"

namespace aigrid::up {

// Of one direction; a round trip is twice that.
struct PathDelay {
  Duration delay{};
  Duration jitter{};  // each piece takes delay ± jitter, evenly
  bool operator==(const PathDelay&) const = default;
};

class DelayQueue {
 public:
  struct Piece {
    std::string bytes;
    bool end = false;  // the sender has closed its half
  };

  explicit DelayQueue(std::size_t room) : room_(room) {}

  // `unit` in [0, 1): where in the jitter this piece falls.
  void push(Piece piece, Time now, PathDelay felt, double unit);
  // When the first piece comes out; kNever if there is none.
  Time next() const { return pieces_.empty() ? kNever : pieces_.front().due; }
  std::optional<Piece> pop(Time now);
  std::size_t bytes() const { return bytes_; }
  // No more should be read from the sender until something has come out.
  bool full() const { return bytes_ >= room_; }

 private:
  struct Waiting {
    Time due;
    Piece piece;
  };
  std::size_t room_;
  std::size_t bytes_ = 0;
  std::deque<Waiting> pieces_;
  Time last_due_{};
};

}  // namespace aigrid::up
