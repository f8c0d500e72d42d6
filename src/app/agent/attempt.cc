#include "app/agent/attempt.h"

#include <chrono>
#include <utility>

#include "app/agent/refusals.h"
#include "app/agent/relay.h"

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
    log_end("abandoned", stream_->failure() ? stream_->failure()->message : "");
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

std::optional<inner::Refuse> Attempt::check() {
  if (services_.draining) return elsewhere("draining", "the node is stopping and takes nothing new");
  const auto view = services_.bundle.view();
  if (!view) return elsewhere("no_bundle", "the node holds no bundle yet");
  if (auto refusal = check_residency(*view, services_.site, *ask_, services_.bundle.version())) {
    ++services_.counters.residency_denials;
    services_.env.log().warn("residency_denied", {{"request_id", ask_->request_id},
                                                  {"tenant", ask_->tenant},
                                                  {"site", services_.site},
                                                  {"why", refusal->message}});
    return refusal;
  }
  if (!ask_->node.empty() && ask_->node != services_.options.name) {
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
  auto path = engine_->driver().path_of(ask_->endpoint);
  if (!path.ok()) {
    co_await refuse(refusal_of(path.error()));
    co_return;
  }
  auto edited = edit_for(*ask_, *engine_, body_);
  if (!edited.ok()) {
    co_await refuse(refusal_of(edited.error()));
    co_return;
  }
  body_ = std::string();  // the engine has its own now
  AnswerTaker taker(std::move(edited->answer));
  // Of a whole answer nothing is seen until it is there: meanwhile we say that the engine works on it.
  io::TaskGroup telling(services_.env.executor());
  if (!ask_->stream) telling.spawn(say_still_working());
  engine::Request request{"POST", std::move(*path), std::move(edited->body)};
  io::ClientTimes times;  // how long an attempt may take is the gateway's to decide: it cancels
  times.head = services_.options.cadence.answer_within;
  auto response = co_await call_engine(services_.env, engine_->door(), std::move(request), times);
  if (!response.ok()) {
    telling.cancel();
    co_await engine_failed(response.error());
  } else if (response->head.status != 200) {
    telling.cancel();
    co_await refused_by_engine(*response);
  } else if (ask_->stream) {
    co_await relay_stream(*response, taker);
  } else {
    auto body = co_await response->read_all(services_.options.cadence.answer_bytes);
    telling.cancel();
    co_await relay_whole(std::move(body), taker);
  }
}

io::Task<void> Attempt::refused_by_engine(io::ClientResponse& response) {
  constexpr std::size_t kErrorBytes = std::size_t{64} << 10U;
  auto body = co_await response.read_all(kErrorBytes);
  const engine::Refusal refusal =
      engine_->driver().refusal(response.head.status, body.ok() ? std::string_view(*body) : std::string_view());
  if (head_sent_) {
    co_await end("error", refusal.message);
    co_return;
  }
  inner::Refuse out = elsewhere(refusal.code, refusal.message);
  if (!refusal.elsewhere) {
    out.verdict = inner::Refuse::Verdict::Never;
    out.status = static_cast<std::uint32_t>(refusal.status);
    out.param = refusal.param;
  }
  co_await refuse(std::move(out));
}

io::Task<void> Attempt::engine_failed(Error error) {
  if (head_sent_) {
    co_await end("error", "the engine was lost: " + error.message);
  } else {
    co_await refuse(elsewhere("engine_lost", error.message));
  }
}

io::Task<void> Attempt::relay_stream(io::ClientResponse& response, AnswerTaker& taker) {
  co_await send_head();
  while (!taker.finished()) {
    auto bytes = co_await response.read();
    if (!bytes.ok()) {
      co_await engine_failed(bytes.error());
      co_return;
    }
    if (bytes->empty()) break;
    auto piece = taker.take(*bytes);
    usage_ = taker.filter().usage();
    if (!piece.ok()) {
      co_await engine_failed(piece.error());
      co_return;
    }
    if (piece->tokens > 0) {
      last_token_ = services_.env.now();
      if (first_token_ == Time{}) first_token_ = last_token_;
      inner::Tokens tokens;
      tokens.count = piece->tokens;
      co_await send(std::move(tokens));
    }
    // Returns when less than 64 KiB wait to be sent: until then the engine is not read.
    if (!piece->client.empty()) {
      const inner::Data bytes_for_client{piece->client};
      co_await send(bytes_for_client);
    }
  }
  co_await finish(taker);
}

io::Task<void> Attempt::relay_whole(Result<std::string> body, AnswerTaker& taker) {
  if (!body.ok()) {
    co_await engine_failed(body.error());
    co_return;
  }
  auto tokens = taker.take_whole(*body);
  if (!tokens.ok()) {
    co_await engine_failed(tokens.error());
    co_return;
  }
  usage_ = taker.filter().usage();
  first_token_ = last_token_ = services_.env.now();
  co_await send_head();
  inner::Tokens all;
  all.count = *tokens;
  co_await send(std::move(all));
  co_await finish(taker);
}

io::Task<void> Attempt::finish(AnswerTaker& taker) {
  if (!taker.finished()) {
    co_await engine_failed(unavailable("its answer ended before it was complete"));
    co_return;
  }
  std::string_view rest = taker.filter().tail();
  // A whole answer may be larger than a frame.
  while (!ask_->stream && rest.size() > http::H2Session::kSendBuffer) {
    const inner::Data piece{rest.substr(0, http::H2Session::kSendBuffer)};
    rest.remove_prefix(piece.bytes.size());
    co_await send(piece);
  }
  const inner::Tail tail{rest};
  co_await send(tail);
  co_await end(taker.filter().finish_reason(), "");
}

io::Task<void> Attempt::say_still_working() {
  const placement::AgentCadence& cadence = services_.options.cadence;
  const inner::Tokens nothing_yet;
  co_await services_.env.sleep_for(cadence.accept_after);
  co_await send_head();
  for (;;) {
    co_await services_.env.sleep_for(cadence.still_working);
    co_await send(nothing_yet);
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
  inner::Head head{services_.site, services_.options.name, std::string(engine_->driver().name())};
  co_await send(std::move(head));
}

io::Task<void> Attempt::refuse(inner::Refuse refusal) {
  if (std::exchange(ended_, true)) co_return;
  refusal.node = services_.options.name;
  ++services_.counters.refused;
  log_end("refused", refusal.message);
  co_await send(std::move(refusal));
  (void)stream_->end();
  over_.set();
}

io::Task<void> Attempt::end(std::string finish, std::string error) {
  if (std::exchange(ended_, true)) co_return;
  Counters& counters = services_.counters;
  ++(finish == "error" ? counters.failed : finish == "cancelled" ? counters.cancelled : counters.finished);
  counters.prompt_tokens += usage_.prompt_tokens;
  counters.completion_tokens += usage_.completion_tokens;
  if (engine_) engine_->count(usage_);
  log_end(finish, error);
  inner::End out;
  out.usage = usage_;
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
  // An engine that did not say how long the prompt was: the ingress's estimate is all there is.
  if (usage_.completion_tokens > 0 && usage_.prompt_tokens == 0) usage_.prompt_tokens = ask_->prompt_tokens;
  co_await end("cancelled", "");
}

void Attempt::log_end(std::string_view result, std::string_view why) {
  services_.env.log().note("attempt_done", {{"request_id", ask_ ? ask_->request_id : std::string()},
                                            {"attempt", ask_ ? ask_->attempt : 0},
                                            {"deployment", ask_ ? ask_->deployment : std::string()},
                                            {"result", result},
                                            {"why", why},
                                            {"prompt_tokens", usage_.prompt_tokens},
                                            {"completion_tokens", usage_.completion_tokens},
                                            {"ms", to_ms(services_.env.now() - started_)}});
}

}  // namespace aigrid::agent
