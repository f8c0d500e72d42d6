// LocalAttempt: an attempt at this site: a ticket in the deployment's queue, then the granted node's agent. Used by the
// ingress when this is the chosen site, and by the inner server on behalf of another site's ingress.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/gateway/agents.h"
#include "app/gateway/attempt.h"
#include "app/gateway/frame_stream.h"
#include "app/gateway/slots.h"

namespace aigrid::gateway {

class LocalAttempt final : public Attempt {
 public:
  LocalAttempt(io::Env& env, Board& board, Slots& slots, Agents& agents, inner::Ask ask,
               std::shared_ptr<const std::string> body, AttemptSink& sink);
  ~LocalAttempt() override;

  io::Task<void> run() override;
  void cancel() override;
  void consumed(std::size_t bytes) override;

 private:
  // The granted node's name.
  io::Task<Result<std::string>> wait_for_node();
  void ask_slot();
  void refuse(std::string message);

  io::Env& env_;
  Board& board_;
  Slots& slots_;
  Agents& agents_;
  inner::Ask ask_;
  std::shared_ptr<const std::string> body_;
  AttemptSink& sink_;
  io::Event answered_;
  std::optional<Slots::Answer> answer_;
  dispatch::Ticket ticket_ = 0;
  std::unique_ptr<FrameStream> stream_;
  bool cancelled_ = false;
};

}  // namespace aigrid::gateway
