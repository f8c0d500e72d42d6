#include "app/gateway/local_attempt.h"

#include <chrono>
#include <utility>

#include "app/gateway/grants.h"

namespace aigrid::gateway {

LocalAttempt::LocalAttempt(io::Env& env, Board& board, Queues& queues, Agents& agents, inner::Ask ask,
                           std::shared_ptr<const std::string> body, AttemptSink& sink)
    : env_(env),
      board_(board),
      queues_(queues),
      agents_(agents),
      ask_(std::move(ask)),
      body_(std::move(body)),
      sink_(sink),
      answered_(env.executor()) {}

LocalAttempt::~LocalAttempt() {
  stream_.reset();
  if (ticket_ != 0) queues_.release(ticket_);
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
  queues_.release(std::exchange(ticket_, 0));
  if (!read.ok()) sink_.on_lost(ask_.attempt, *node, read.error().message);
}

io::Task<Result<std::string>> LocalAttempt::wait_for_node() {
  auto asked = ask_queue();
  if (!asked.ok()) co_return std::move(asked).error();
  while (!answer_) co_await answered_.wait();
  if (answer_->granted) co_return answer_->node;
  ticket_ = 0;
  co_return unavailable(answer_->message);
}

Result<void> LocalAttempt::ask_queue() {
  if (!board_.loaded()) return unavailable("this gateway has no bundle yet");
  const auto& tables = board_.tables();
  routing::RouteInput input;
  const auto tenant = tables.find_tenant(ask_.tenant);
  if (!tenant) return unavailable("tenant \"" + ask_.tenant + "\" is not in this site's bundle");
  const auto model = tables.find_model(ask_.model);
  if (!model) return unavailable("model \"" + ask_.model + "\" is not in this site's bundle");
  const auto deployment = tables.find_deployment(ask_.deployment);
  if (!deployment) return unavailable("deployment \"" + ask_.deployment + "\" is not in this site's bundle");
  input.tenant = *tenant;
  input.model = *model;
  input.permitted = policy::SiteSet::all();  // this site was chosen; the node decides residency again by itself
  input.prompt_tokens = ask_.prompt_tokens;
  input.max_output_tokens = ask_.max_output_tokens;
  input.hops = ask_.hops;
  std::vector<routing::Excluded> excluded;
  for (const auto& name : ask_.excluded_nodes) {
    if (auto node = tables.find_node(name)) excluded.push_back({board_.here(), *node});
  }
  ticket_ = queues_.ask(*deployment, input, std::move(excluded), std::chrono::milliseconds(ask_.remaining_ms),
                        [this](const Queues::Answer& answer) {
                          answer_ = answer;
                          answered_.set();
                        });
  return {};
}

void LocalAttempt::refuse(std::string message) {
  inner::Refuse refusal;
  refusal.verdict = inner::Refuse::Verdict::Elsewhere;
  refusal.code = "no_capacity";
  refusal.message = std::move(message);
  sink_.on_frame(ask_.attempt, refusal);
}

void LocalAttempt::cancel() {
  cancelled_ = true;
  if (stream_) {
    stream_->send(inner::Cancel{});
  } else if (ticket_ != 0 && !answer_) {
    queues_.release(std::exchange(ticket_, 0));
    answer_.emplace();
    answer_->message = "cancelled while waiting for a node";
    answered_.set();
  }
}

void LocalAttempt::consumed(std::size_t bytes) {
  if (stream_) stream_->consumed(bytes);
}

}  // namespace aigrid::gateway
