#include "app/gateway/hosted_attempt.h"

#include <utility>

#include "app/gateway/grants.h"

namespace aigrid::gateway {

HostedAttempt::HostedAttempt(Services& services, std::shared_ptr<io::H2Stream> stream)
    : services_(services), stream_(std::move(stream)), out_(services.env.executor()), tasks_(services.env.executor()) {}

io::Task<void> HostedAttempt::run() {
  if (!stream_->respond({200, {}}).ok()) co_return;
  auto read = co_await read_ask();
  if (!read.ok()) {
    services_.env.log().warn("attempt_unreadable", {{"why", read.error().message}});
    stream_->reset();
    co_return;
  }
  if (auto refused = refuse_hosting(services_, *ask_, *stream_)) {
    ++services_.meters.hosting_denials;
    const std::string bytes = inner::encode(*refused);
    (void)co_await stream_->write(bytes);
    (void)stream_->end();
    co_return;
  }
  AttemptSink& self = *this;
  local_ = std::make_unique<LocalAttempt>(services_.env, services_.board, services_.slots, services_.agents, *ask_,
                                          std::make_shared<const std::string>(std::move(body_)), self);
  ++services_.meters.attempts_hosted;
  tasks_.spawn(run_local());
  tasks_.spawn(watch_peer());
  while (auto next = co_await out_.next()) {
    auto written = co_await stream_->write(next->bytes);
    if (!written.ok()) break;
    if (next->payload > 0) local_->consumed(next->payload);
    if (next->last) {
      (void)stream_->end();
      break;
    }
  }
  tasks_.cancel();
  local_.reset();
  --services_.meters.attempts_hosted;
}

io::Task<Result<void>> HostedAttempt::read_ask() {
  for (;;) {
    auto frame = decoder_.next();
    if (!frame.ok()) co_return std::move(frame).error();
    if (!frame->has_value()) {
      auto bytes = co_await stream_->read();
      if (!bytes.ok()) co_return std::move(bytes).error();
      if (bytes->empty()) co_return unavailable("the stream ended before the body did");
      stream_->consume(bytes->size());
      decoder_.feed(*bytes);
      continue;
    }
    if (auto* ask = std::get_if<inner::Ask>(&**frame)) {
      if (ask_) co_return invalid("a second ask frame");
      ask_ = std::move(*ask);
    } else if (const auto* body = std::get_if<inner::Body>(&**frame)) {
      if (!ask_) co_return invalid("a body frame before its ask frame");
      if (body->bytes.empty()) co_return Result<void>{};
      body_ += body->bytes;
      if (body_.size() > services_.options.max_body_bytes) co_return invalid("a body over the limit of a request");
    } else {
      co_return invalid("a frame that does not belong before the body's end");
    }
  }
}

io::Task<void> HostedAttempt::watch_peer() {
  for (;;) {
    for (;;) {
      auto frame = decoder_.next();
      if (!frame.ok()) {
        out_.close();
        co_return;
      }
      if (!frame->has_value()) break;
      if (std::holds_alternative<inner::Cancel>(**frame)) local_->cancel();
    }
    auto bytes = co_await stream_->read();
    if (!bytes.ok() || bytes->empty()) break;
    stream_->consume(bytes->size());
    decoder_.feed(*bytes);
  }
  out_.close();  // the peer is gone: dropping the local attempt stops the engine
}

io::Task<void> HostedAttempt::run_local() { co_await local_->run(); }

void HostedAttempt::on_frame(std::uint32_t /*attempt*/, const inner::Frame& frame) {
  Outgoing out;
  out.bytes = inner::encode(frame);
  if (const auto* data = std::get_if<inner::Data>(&frame)) out.payload = data->bytes.size();
  if (const auto* tail = std::get_if<inner::Tail>(&frame)) out.payload = tail->bytes.size();
  if (std::holds_alternative<inner::Head>(frame)) accepted_ = true;
  out.last = std::holds_alternative<inner::End>(frame) || std::holds_alternative<inner::Refuse>(frame);
  out_.push(std::move(out));
}

void HostedAttempt::on_lost(std::uint32_t attempt, const std::string& node, const std::string& why) {
  if (accepted_) {
    inner::End end;
    end.finish = "error";
    end.error = "node " + node + " was lost: " + why;
    on_frame(attempt, end);
    return;
  }
  inner::Refuse refusal;
  refusal.code = "no_capacity";
  refusal.message = why;
  refusal.node = node;
  on_frame(attempt, refusal);
}

}  // namespace aigrid::gateway
