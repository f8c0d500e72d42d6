#include "app/agent/attempt.h"

#include <chrono>
#include <utility>

#include "app/agent/refusals.h"
#include "format/inner/grant.h"

namespace aigrid::agent {

namespace {

std::uint64_t microseconds(Duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

}  // namespace

Attempt::Attempt(Services& services, std::shared_ptr<io::H2Stream> stream)
    : services_(services),
      stream_(std::move(stream)),
      started_(services.env.now()),
      over_(services.env.executor()),
      reading_(services.env.executor()),
      working_(services.env.executor()) {}

io::Task<void> Attempt::run() {
  if (!stream_->respond({200, {}}).ok()) co_return;
  // A lost connection ends it too, at once, whatever it waits for: what it held is given back.
  stream_->on_failure([this] { over_.set(); });
  reading_.spawn(read_frames());
  co_await over_.wait();
  stream_->on_failure([] {});
  working_.cancel();
  reading_.cancel();
  if (!ended_) {
    ++services_.counters.cancelled;
    record("abandoned", stream_->failure() ? stream_->failure()->message : "");
  }
}

io::Task<void> Attempt::read_frames() {
  for (;;) {
    auto bytes = co_await stream_->read();
    if (!bytes.ok()) {
      over_.set();
      co_return;
    }
    // The request side may end before the answer does: only Cancel or a reset mean that nobody waits.
    if (bytes->empty()) break;
    stream_->consume(bytes->size());
    decoder_.feed(*bytes);
    auto cancelled = take_frames();
    if (!cancelled.ok()) {
      co_await refuse(refusal_of(cancelled.error()));
      co_return;
    }
    if (*cancelled) {
      co_await cancel();
      co_return;
    }
  }
  if (!body_whole_) co_await refuse(refusal_of(invalid("the attempt's stream ended before its body did")));
}

Result<bool> Attempt::take_frames() {
  for (;;) {
    AIGRID_TRY(auto frame, decoder_.next());
    if (!frame) return false;
    if (std::holds_alternative<inner::Cancel>(*frame)) return true;
    if (auto* ask = std::get_if<inner::Ask>(&*frame)) {
      if (ask_) return invalid("a second ask frame on one stream; an attempt has one");
      ask_ = std::move(*ask);
    } else if (const auto* body = std::get_if<inner::Body>(&*frame)) {
      AIGRID_CHECK_OK(take_body(body->bytes));
    } else {
      return invalid("a frame that only a node sends came from a gateway");
    }
  }
}

Result<void> Attempt::take_body(std::string_view bytes) {
  if (!ask_ || body_whole_) return invalid("a body frame out of order: it follows ask, and an empty one ends it");
  const std::size_t most = services_.options.cadence.request_body_bytes;
  if (body_.size() + bytes.size() > most) {
    return invalid("the request's body is over the node's limit of " + std::to_string(most) + " bytes");
  }
  body_ += bytes;
  if (!bytes.empty()) return {};
  body_whole_ = true;
  working_.spawn(answer());
  return {};
}

Result<void> Attempt::check_grant() const {
  const io::Binding& binding = stream_->binding();
  AIGRID_TRY(const auto terms, inner::open_grant(*ask_, binding.peer.binding_key));
  access::GrantBook::Question question;
  question.grant = ask_->grant;
  question.expires_ms = terms.expires_ms;
  question.bundle_version = terms.bundle_version;
  question.least_version = services_.bundle.least_granted();
  question.age = services_.env.now() - binding.since;
  AIGRID_CHECK_OK(services_.grants.take(question, services_.env.now()));
  if (ask_->site == services_.site && ask_->node == services_.options.name) return {};
  return Error{Code::PermissionDenied, Origin::Upstream, Retry::Elsewhere,
               "the grant is for node \"" + ask_->node + "\" at site \"" + ask_->site + "\", not for this one"};
}

std::optional<inner::Refuse> Attempt::check_law(const View& view) {
  if (services_.options.skip_residency) return std::nullopt;
  if (auto granted = check_grant(); !granted.ok()) {
    ++services_.counters.grant_denials;
    services_.env.log().warn("grant_denied", {{"request_id", ask_->request_id}, {"why", granted.error().message}});
    return elsewhere("grant_denied", granted.error().message);
  }
  auto refusal =
      check_residency(view, services_.site, *ask_, services_.bundle.version(), unix_seconds(services_.env.wall()));
  if (!refusal) return std::nullopt;
  ++services_.counters.residency_denials;
  services_.env.log().warn("residency_denied", {{"request_id", ask_->request_id},
                                                {"tenant", ask_->tenant},
                                                {"site", services_.site},
                                                {"why", refusal->message}});
  return refusal;
}

std::optional<inner::Refuse> Attempt::check() {
  if (services_.draining) return elsewhere("draining", "the node is stopping and takes nothing new");
  services_.bundle.renew();
  const auto view = services_.bundle.view();
  if (!view) return elsewhere("no_bundle", "the node holds no bundle yet");
  if (auto refusal = check_law(*view)) return refusal;
  if (!ask_->node.empty() && ask_->node != services_.options.name) {  // also where the law is not asked
    return elsewhere("wrong_node", "asked for node \"" + ask_->node + "\", this is " + services_.options.name);
  }
  engine_ = services_.engines.find(ask_->deployment);
  if (!engine_) return elsewhere("no_engine", "deployment \"" + ask_->deployment + "\" is not on this node");
  if (engine_->model().name != ask_->model) {  // residency was judged for the model that was named
    return elsewhere("wrong_model", "deployment " + ask_->deployment + " does not serve model " + ask_->model);
  }
  if (!engine_->ready()) return elsewhere("engine_not_ready", "the engine is " + engine_->report().state);
  if (!engine_->take_slot()) return elsewhere("no_slot", "all slots of the engine are taken");
  return std::nullopt;
}

io::Task<void> Attempt::answer() {
  if (auto refusal = check()) {
    co_await refuse(std::move(*refusal));
    co_return;
  }
  const SlotHold hold(engine_);
  engine_answer_.emplace(services_.env, services_.options, *engine_, *ask_);
  // Of a whole answer nothing is seen until it is there: meanwhile we say that the engine works on it.
  io::TaskGroup telling(services_.env.executor());
  if (!ask_->stream) telling.spawn(say_still_working());
  auto refusal = co_await engine_answer_->begin(std::exchange(body_, {}));
  if (refusal && head_sent_) {
    telling.cancel();
    co_await end("error", refusal->message);
  } else if (refusal) {
    telling.cancel();
    co_await refuse(std::move(*refusal));
  } else {
    co_await relay();
  }
}

io::Task<void> Attempt::relay() {
  for (;;) {
    auto piece = co_await engine_answer_->next();
    if (!piece.ok()) {
      co_await engine_failed(piece.error());
      co_return;
    }
    if (!piece->has_value()) break;
    co_await pass_on(std::move(**piece));
  }
  co_await finish();
}

io::Task<void> Attempt::pass_on(openai::AnswerFilter::Piece piece) {
  if (piece.tokens > 0) {
    last_token_ = services_.env.now();
    if (first_token_ == Time{}) first_token_ = last_token_;
  }
  if (!ask_->stream) {
    untold_tokens_ += piece.tokens;
    if (piece.tokens > 0 && engine_answer_->streams()) co_await say_begun();
    co_return;
  }
  if (piece.client.empty()) co_return;
  co_await send_head();
  if (piece.tokens > 0) {
    inner::Tokens tokens;
    tokens.count = piece.tokens;
    tokens.ids = std::move(piece.ids);
    tokens.resume = engine_answer_->resume();
    co_await send(std::move(tokens));
  }
  // Returns when less than 64 KiB wait to be sent: until then the engine is not read.
  const inner::Data bytes_for_client{piece.client};
  co_await send(bytes_for_client);
}

io::Task<void> Attempt::engine_failed(const Error& error) {
  if (head_sent_) {
    co_await end("error", "the engine was lost: " + error.message);
  } else {
    co_await refuse(elsewhere("engine_lost", error.message));
  }
}

io::Task<void> Attempt::finish() {
  co_await send_head();
  if (!ask_->stream) {
    inner::Tokens rest;
    rest.count = std::exchange(untold_tokens_, 0);
    co_await send(std::move(rest));
  }
  std::string_view rest = engine_answer_->filter().tail();
  // A whole answer may be larger than a frame.
  while (!ask_->stream && rest.size() > http::H2Session::kSendBuffer) {
    const inner::Data piece{rest.substr(0, http::H2Session::kSendBuffer)};
    rest.remove_prefix(piece.bytes.size());
    co_await send(piece);
  }
  const inner::Tail tail{rest};
  co_await send(tail);
  co_await end(engine_answer_->filter().finish_reason(), "");
}

// So that who is urgent sees a late one.
io::Task<void> Attempt::say_begun() {
  if (std::exchange(begun_told_, true)) co_return;
  co_await send_head();
  inner::Tokens so_far;
  so_far.count = std::exchange(untold_tokens_, 0);
  co_await send(std::move(so_far));
}

io::Task<void> Attempt::say_still_working() {
  const placement::AgentCadence& cadence = services_.options.cadence;
  co_await services_.env.sleep_for(cadence.accept_after);
  co_await send_head();
  for (;;) {
    co_await services_.env.sleep_for(cadence.still_working);
    inner::Tokens so_far;
    so_far.count = std::exchange(untold_tokens_, 0);
    co_await send(std::move(so_far));
  }
}

io::Task<void> Attempt::send(inner::Frame frame) {
  const std::string bytes = inner::encode(frame);
  // A failed stream ends the attempt by its own callback.
  (void)co_await stream_->write(bytes);
}

io::Task<void> Attempt::send_head() {
  if (head_sent_) co_return;
  head_sent_ = true;
  inner::Head head{services_.site, services_.options.name, std::string(engine_->driver().name()),
                   engine_answer_ ? engine_answer_->resume() : inner::Resume::None};
  if (engine_answer_) head.prompt_tokens = engine_answer_->prompt_counted();
  co_await send(std::move(head));
}

io::Task<void> Attempt::refuse(inner::Refuse refusal) {
  if (std::exchange(ended_, true)) co_return;
  refusal.node = services_.options.name;
  ++services_.counters.refused;
  record("refused", refusal.message);
  co_await send(std::move(refusal));
  (void)stream_->end();
  over_.set();
}

io::Task<void> Attempt::end(std::string finish, std::string error) {
  if (std::exchange(ended_, true)) co_return;
  Counters& counters = services_.counters;
  ++(finish == "error" ? counters.failed : finish == "cancelled" ? counters.cancelled : counters.finished);
  record(finish, error);
  inner::End out;
  if (engine_answer_) {
    out.usage = engine_answer_->usage();
    out.estimated = engine_answer_->estimated();
  }
  out.finish = std::move(finish);
  out.error = std::move(error);
  if (first_token_ != Time{}) {
    out.prefill_us = microseconds(first_token_ - started_);
    out.decode_us = microseconds(last_token_ - first_token_);
  }
  co_await send(std::move(out));
  (void)stream_->end();
  over_.set();
}

io::Task<void> Attempt::cancel() {
  // Its frame holds the engine's connection and the slot: closing the one is what stops the work there.
  working_.cancel();
  if (engine_answer_) engine_answer_->close();
  co_await end("cancelled", "");
}

// However it ended: counted, written down, said in the log.
void Attempt::record(std::string_view finish, std::string_view why) {
  const grid::Usage own = engine_answer_ ? engine_answer_->own_usage() : grid::Usage{};
  services_.counters.prompt_tokens += own.prompt_tokens;
  services_.counters.completion_tokens += own.completion_tokens;
  if (engine_) engine_->count(own);
  const Duration took = services_.env.now() - started_;
  if (ask_ && !ask_->request_id.empty()) {
    grid::AgentRecord out;
    out.request_id = ask_->request_id;
    out.attempt = ask_->attempt;
    out.tenant = ask_->tenant;
    out.project = ask_->project;
    out.key_id = ask_->key_id;
    out.model = ask_->model;
    out.endpoint = ask_->endpoint;
    out.deployment = ask_->deployment;
    out.finish = finish;
    out.usage = own;
    out.estimated = engine_answer_ && engine_answer_->estimated();
    out.resume_count = ask_->resume_count;
    out.wall_us = static_cast<std::int64_t>(microseconds(took));
    services_.records.write(std::move(out));
  }
  services_.env.log().note("attempt_done", {{"request_id", ask_ ? ask_->request_id : std::string()},
                                            {"attempt", ask_ ? ask_->attempt : 0},
                                            {"deployment", ask_ ? ask_->deployment : std::string()},
                                            {"result", finish},
                                            {"why", why},
                                            {"prompt_tokens", own.prompt_tokens},
                                            {"completion_tokens", own.completion_tokens},
                                            {"ms", to_ms(took)}});
}

}  // namespace aigrid::agent
