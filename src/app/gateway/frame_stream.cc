#include "app/gateway/frame_stream.h"

#include <algorithm>
#include <utility>

namespace aigrid::gateway {

FrameStream::FrameStream(io::Env& env, std::shared_ptr<io::H2Stream> stream)
    : stream_(std::move(stream)), out_(env.executor()), tasks_(env.executor()) {
  tasks_.spawn(write_queued());
}

FrameStream::~FrameStream() {
  tasks_.cancel();
  stream_->reset();  // no effect on a stream that ended
}

void FrameStream::send(const inner::Frame& frame) { out_.push(inner::encode(frame)); }

void FrameStream::send_body(std::string_view body) {
  for (std::size_t at = 0; at < body.size(); at += kBodyPiece) send(inner::Body{body.substr(at, kBodyPiece)});
  send(inner::Body{});
}

io::Task<void> FrameStream::write_queued() {
  while (auto bytes = co_await out_.next()) {
    auto written = co_await stream_->write(*bytes);
    if (!written.ok()) co_return;  // the reader sees the same loss and reports it
  }
}

io::Task<Result<void>> FrameStream::read_into(std::uint32_t attempt, AttemptSink& sink) {
  for (;;) {
    auto bytes = co_await stream_->read();
    if (!bytes.ok()) co_return std::move(bytes).error();
    if (bytes->empty()) co_return unavailable("the attempt's stream ended before its end frame");
    const std::size_t held = decoder_.buffered() + bytes->size();
    decoder_.feed(*bytes);
    std::size_t payload = 0;
    bool last = false;
    while (!last) {
      auto frame = decoder_.next();
      if (!frame.ok()) co_return std::move(frame).error();
      if (!frame->has_value()) break;
      if (const auto* data = std::get_if<inner::Data>(&**frame)) payload += data->bytes.size();
      if (const auto* tail = std::get_if<inner::Tail>(&**frame)) payload += tail->bytes.size();
      last = deliver(attempt, **frame, sink);
    }
    settle(held - decoder_.buffered(), payload);
    if (last) co_return Result<void>{};
  }
}

void FrameStream::settle(std::size_t whole, std::size_t payload) {
  // Payload of Data and Tail is given back by consumed(); all else as soon as it is read.
  std::size_t due = whole - payload;
  // A frame larger than the window could never become whole: its bytes are given back early and owed by consumed().
  const std::size_t unfinished = decoder_.buffered();
  if (unfinished > http::H2Session::kStreamWindow / 2 && unfinished > early_) {
    due += unfinished - early_;
    owed_ += unfinished - early_;
    early_ = unfinished;
  } else if (unfinished < early_) {
    early_ = 0;
  }
  if (due > 0) stream_->consume(due);
}

bool FrameStream::deliver(std::uint32_t attempt, const inner::Frame& frame, AttemptSink& sink) {
  sink.on_frame(attempt, frame);
  return std::holds_alternative<inner::End>(frame) || std::holds_alternative<inner::Refuse>(frame);
}

void FrameStream::consumed(std::size_t payload_bytes) {
  const std::size_t paid = std::min(owed_, payload_bytes);
  owed_ -= paid;
  if (payload_bytes > paid) stream_->consume(payload_bytes - paid);
}

}  // namespace aigrid::gateway
