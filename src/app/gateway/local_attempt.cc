#include "app/gateway/local_attempt.h"

#include <utility>

#include "app/gateway/grants.h"

namespace aigrid::gateway {

LocalAttempt::LocalAttempt(io::Env& env, Board& board, Slots& slots, Agents& agents, inner::Ask ask,
                           std::shared_ptr<const std::string> body, AttemptSink& sink)
    : env_(env),
      board_(board),
      slots_(slots),
      agents_(agents),
      ask_(std::move(ask)),
      body_(std::move(body)),
      sink_(sink),
      answered_(env.executor()) {}

LocalAttempt::~LocalAttempt() {
  stream_.reset();
  if (ticket_ != 0) slots_.release(ticket_);
}

io::Task<void> LocalAttempt::run() {
  auto node = co_await wait_for_node();
  if (cancelled_) {
    inner::End end;
    end.finish = "cancelled";
    sink_.on_frame(ask_.attempt, end);
    co_return;
  }
  if (!node.ok()) {
    refuse(node.error().message);
    co_return;
  }
  auto opened = agents_.open_attempt(*node);
  if (!opened.ok()) {
    sink_.on_lost(ask_.attempt, *node, opened.error().message);
    co_return;
  }
  ask_.node = *node;
  ask_.grant = grant_for(env_, board_, ask_, **opened);
  stream_ = std::make_unique<FrameStream>(env_, *opened);
  stream_->send(ask_);
  stream_->send_body(*body_);
  auto read = co_await stream_->read_into(ask_.attempt, sink_);
  slots_.release(std::exchange(ticket_, 0));
  if (!read.ok()) sink_.on_lost(ask_.attempt, *node, read.error().message);
}

io::Task<Result<std::string>> LocalAttempt::wait_for_node() {
  ask_slot();
  while (!answer_) co_await answered_.wait();
  if (answer_->granted) co_return answer_->node;
  ticket_ = 0;
  co_return unavailable(answer_->message);
}

void LocalAttempt::ask_slot() {
  inner::SlotAsk ask;
  ask.deployment = ask_.deployment;
  ask.tenant = ask_.tenant;
  ask.model = ask_.model;
  ask.project = ask_.project;
  ask.zones = ask_.zones;
  ask.data_level = ask_.data_level;
  ask.regimes = ask_.regimes;
  ask.excluded_nodes = ask_.excluded_nodes;
  ask.prompt_tokens = ask_.prompt_tokens;
  ask.max_output_tokens = ask_.max_output_tokens;
  ask.hops = ask_.hops;
  ask.tier = ask_.tier;
  ask.remaining_ms = ask_.remaining_ms;
  ticket_ = slots_.ask(std::move(ask), [this](const Slots::Answer& answer) {
    answer_ = answer;
    answered_.set();
  });
}

void LocalAttempt::refuse(std::string message) {
  inner::Refuse refusal;
  refusal.code = "no_capacity";
  if (answer_ && !answer_->better.empty()) {
    refusal.verdict = inner::Refuse::Verdict::Redirect;
    refusal.code = "redirected";
    refusal.sites = {answer_->better};
    env_.log().note("handed_on", {{"request_id", ask_.request_id}, {"to", answer_->better}});
  }
  refusal.message = std::move(message);
  sink_.on_frame(ask_.attempt, refusal);
}

void LocalAttempt::cancel() {
  cancelled_ = true;
  if (stream_) {
    stream_->send(inner::Cancel{});
  } else if (ticket_ != 0 && !answer_) {
    slots_.release(std::exchange(ticket_, 0));
    answer_.emplace();
    answer_->message = "cancelled while waiting for a node";
    answered_.set();
  }
}

void LocalAttempt::consumed(std::size_t bytes) {
  if (stream_) stream_->consumed(bytes);
}

}  // namespace aigrid::gateway
