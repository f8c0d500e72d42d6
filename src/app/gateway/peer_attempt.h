// PeerAttempt: an attempt at another site, through that site's gateway.
#pragma once

#include <memory>
#include <string>

#include "app/gateway/attempt.h"
#include "app/gateway/frame_stream.h"
#include "app/gateway/grants.h"
#include "app/gateway/peers.h"

namespace aigrid::gateway {

class PeerAttempt final : public Attempt {
 public:
  PeerAttempt(io::Env& env, Board& board, Peers& peers, inner::Ask ask, std::shared_ptr<const std::string> body,
              AttemptSink& sink)
      : env_(env), board_(board), peers_(peers), ask_(std::move(ask)), body_(std::move(body)), sink_(sink) {}

  io::Task<void> run() override {
    auto opened = peers_.open_attempt(ask_.site);
    if (!opened.ok()) {
      sink_.on_lost(ask_.attempt, {}, opened.error().message);
      co_return;
    }
    ask_.grant = grant_for(env_, board_, ask_, **opened);
    stream_ = std::make_unique<FrameStream>(env_, *opened);
    stream_->send(ask_);
    stream_->send_body(*body_);
    auto read = co_await stream_->read_into(ask_.attempt, sink_);
    if (!read.ok()) sink_.on_lost(ask_.attempt, {}, read.error().message);
  }
  void cancel() override {
    if (stream_) stream_->send(inner::Cancel{});
  }
  void consumed(std::size_t bytes) override {
    if (stream_) stream_->consumed(bytes);
  }

 private:
  io::Env& env_;
  Board& board_;
  Peers& peers_;
  inner::Ask ask_;
  std::shared_ptr<const std::string> body_;
  AttemptSink& sink_;
  std::unique_ptr<FrameStream> stream_;
};

}  // namespace aigrid::gateway
