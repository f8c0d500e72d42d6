// Attempt: one try of a request at one site, seen from whoever wants its answer. Two kinds: LocalAttempt (this site:
// queue, node, the agent's stream) and PeerAttempt (another site's gateway does that). Both speak inner frames into a
// sink. One worker. Destroying an attempt gives back its slot and resets its stream; nothing reaches the sink after
// that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "format/inner/frames.h"
#include "io/env/task.h"

namespace aigrid::gateway {

class AttemptSink {
 public:
  // A Refuse, Head, Tokens, Data, Tail or End frame; its views die with the call.
  virtual void on_frame(std::uint32_t attempt, const inner::Frame& frame) = 0;
  // The stream broke: no End will come. `node` is where it ran, or empty.
  virtual void on_lost(std::uint32_t attempt, const std::string& node, const std::string& why) = 0;

 protected:
  ~AttemptSink() = default;
};

class Attempt {
 public:
  virtual ~Attempt() = default;
  virtual io::Task<void> run() = 0;  // once; returns after the last call of the sink
  virtual void cancel() = 0;         // asks for End; does not wait
  // The taker is done with this many bytes of Data and Tail payload: the window opens again.
  virtual void consumed(std::size_t bytes) = 0;
};

}  // namespace aigrid::gateway
