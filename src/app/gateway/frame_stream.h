// FrameStream: inner frames over one HTTP/2 stream that we opened: writes in order from a queue, reads into a sink,
// returns the window as the taker consumes. Shared by both kinds of attempt. One worker.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "app/gateway/attempt.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

class FrameStream {
 public:
  FrameStream(io::Env& env, std::shared_ptr<io::H2Stream> stream);
  ~FrameStream();

  // Queued; written in order.
  void send(const inner::Frame& frame);
  // The client's body in pieces, and the empty frame that ends it.
  void send_body(std::string_view body);
  // Hands every frame to `sink` until End or Refuse (ok) or the stream breaks (error).
  io::Task<Result<void>> read_into(std::uint32_t attempt, AttemptSink& sink);
  void consumed(std::size_t payload_bytes);

 private:
  static constexpr std::size_t kBodyPiece = 16 * 1024;

  io::Task<void> write_queued();
  void settle(std::size_t whole, std::size_t payload);
  // True when `frame` is the last one of an attempt.
  bool deliver(std::uint32_t attempt, const inner::Frame& frame, AttemptSink& sink);

  std::shared_ptr<io::H2Stream> stream_;
  io::Channel<std::string> out_;
  inner::Decoder decoder_;
  std::size_t early_ = 0;  // bytes of the unfinished frame already given back
  std::size_t owed_ = 0;   // given back before they were consumed
  io::TaskGroup tasks_;
};

}  // namespace aigrid::gateway
