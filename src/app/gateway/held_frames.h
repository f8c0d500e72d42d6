// HeldFrames: what an attempt has sent while it is not decided whether it is for the client. Kept as bytes: the views
// in a frame die with the call that brings it. One worker.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "format/inner/frames.h"

namespace aigrid::gateway {

class HeldFrames {
 public:
  void keep(const inner::Frame& frame) { bytes_.push_back(inner::encode(frame)); }
  bool empty() const { return bytes_.empty(); }
  void clear() { bytes_.clear(); }
  // Gives each to `take`, in their order, and holds none afterwards.
  template <class Take>
  void release(Take take) {
    inner::Decoder decoder;
    for (const auto& bytes : std::exchange(bytes_, {})) {
      decoder.feed(bytes);
      auto frame = decoder.next();
      if (frame.ok() && frame->has_value()) take(**frame);
    }
  }

 private:
  std::vector<std::string> bytes_;
};

}  // namespace aigrid::gateway
