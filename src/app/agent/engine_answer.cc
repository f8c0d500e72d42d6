#include "app/agent/engine_answer.h"

#include <algorithm>
#include <utility>

#include "app/agent/refusals.h"

namespace aigrid::agent {

using Piece = openai::AnswerFilter::Piece;

EngineAnswer::EngineAnswer(io::Env& env, const AgentOptions& options, Engine& engine, const inner::Ask& ask)
    : env_(env), options_(options), engine_(engine), ask_(ask) {}

// How the answer can go on elsewhere is settled here as far as the request decides it; events may lower it.
io::Task<Result<engine::Request>> EngineAnswer::plan(const std::string& body) {
  AIGRID_CO_TRY(EditedRequest edited, edit_for(ask_, engine_, body));
  streams_ = edited.streams;
  logprobs_ = edited.logprobs;
  filter_.emplace(std::move(edited.answer));
  resume_ = edited.resume;
  begun_by_ = edited.begun_by;
  if (begun_by_ == inner::Resume::Tokens) co_return co_await plan_from_tokens(edited.body);
  AIGRID_CO_TRY(std::string path, engine_.driver().path_of(ask_.endpoint));
  co_return engine::Request{"POST", std::move(path), std::move(edited.body)};
}

io::Task<Result<engine::Request>> EngineAnswer::plan_from_tokens(const std::string& body) {
  const engine::TokenResume& tokens = *engine_.driver().tokens();
  native_ = true;
  AIGRID_CO_TRY(engine::Request template_request, tokens.ask_prompt(body));
  auto templated = co_await tell(std::move(template_request));
  if (!templated.ok()) co_return std::move(templated).error();
  AIGRID_CO_TRY(const std::string prompt, tokens.prompt(*templated));
  auto tokenised = co_await tell(tokens.ask_ids(prompt, true));
  if (!tokenised.ok()) co_return std::move(tokenised).error();
  AIGRID_CO_TRY(engine::TokenIds ids, tokens.ids(*tokenised));
  ids.insert(ids.end(), ask_.resume_ids.begin(), ask_.resume_ids.end());
  co_return tokens.continue_from(body, ids);
}

// A short question beside the answer.
io::Task<Result<std::string>> EngineAnswer::tell(engine::Request request) {
  const std::string target = request.target;
  auto answer = co_await ask_engine(env_, engine_.door(), std::move(request), options_.cadence.engine_poll_within);
  if (!answer.ok()) co_return std::move(answer).error();
  if (answer->head.status != 200) {
    co_return unavailable("the engine answered " + target + " with " + std::to_string(answer->head.status));
  }
  co_return std::move(answer->body);
}

io::Task<Result<void>> EngineAnswer::ask(engine::Request request) {
  asked_ = true;
  io::ClientTimes times;  // how long an attempt may take is the gateway's to decide: it cancels
  times.head = options_.cadence.answer_within;
  auto response = co_await call_engine(env_, engine_.door(), std::move(request), times);
  if (!response.ok()) co_return std::move(response).error();
  response_.emplace(std::move(*response));
  co_return Result<void>{};
}

io::Task<std::optional<inner::Refuse>> EngineAnswer::begin(std::string body) {
  for (;;) {
    auto request = co_await plan(body);
    if (!request.ok()) co_return refusal_of(request.error());
    auto asked = co_await ask(std::move(*request));
    if (!asked.ok()) co_return elsewhere("engine_lost", asked.error().message);
    if (response_->head.status == 200) co_return std::nullopt;
    const bool with_options = engine_.takes_stream_options();
    auto refusal = co_await refused();
    // It said that it does not know them: from now on it is asked without.
    if (with_options == engine_.takes_stream_options()) co_return refusal;
  }
}

io::Task<std::optional<inner::Refuse>> EngineAnswer::refused() {
  constexpr std::size_t kErrorBytes = std::size_t{64} << 10U;
  const int status = response_->head.status;
  auto read = co_await response_->read_all(kErrorBytes);
  const std::string body = read.ok() ? std::move(*read) : std::string();
  if (streams_ && engine_.driver().refuses_stream_options(status, body)) engine_.refuses_stream_options();
  const engine::Refusal refusal = engine_.driver().refusal(status, body);
  inner::Refuse out = elsewhere(refusal.code, refusal.message);
  if (!refusal.elsewhere) {
    out.verdict = inner::Refuse::Verdict::Never;
    out.status = static_cast<std::uint32_t>(refusal.status);
    out.param = refusal.param;
  }
  co_return out;
}

Result<Piece> EngineAnswer::take(std::string_view payload) {
  if (!native_) return filter_->event(payload);
  AIGRID_TRY(const auto payloads, engine_.driver().tokens()->as_chat(payload, logprobs_));
  Piece all;
  for (const auto& one : payloads) {
    AIGRID_TRY(Piece piece, filter_->event(one));
    all.append(std::move(piece));
  }
  return all;
}

// Engines name one token an event; a character of several tokens, or text held back for a stop word, comes with the
// last one's id alone. Then its own tokeniser says them, if it comes to the same count and the same text.
io::Task<Result<bool>> EngineAnswer::name_tokens(Piece& piece) {
  if (piece.ids.size() == piece.tokens) co_return true;
  const engine::TokenResume& tokens = *engine_.driver().tokens();
  auto tokenised = co_await tell(tokens.ask_ids(piece.text, false));
  if (!tokenised.ok()) co_return std::move(tokenised).error();
  AIGRID_CO_TRY(const engine::TokenIds ids, tokens.ids(*tokenised));
  if (ids.size() != piece.tokens || (!piece.ids.empty() && ids.back() != piece.ids.back())) co_return false;
  auto spoken = co_await tell(tokens.ask_text(ids));
  if (!spoken.ok()) co_return std::move(spoken).error();
  AIGRID_CO_TRY(const std::string text, tokens.text(*spoken));
  if (text != piece.text) co_return false;
  piece.ids = ids;
  co_return true;
}

io::Task<Result<std::optional<Piece>>> EngineAnswer::next() {
  if (filter_->done()) co_return std::optional<Piece>();
  if (!streams_) co_return co_await take_whole();
  auto bytes = co_await response_->read();
  if (!bytes.ok()) co_return std::move(bytes).error();
  if (bytes->empty()) co_return unavailable("its answer ended before it was complete");
  AIGRID_CO_CHECK_OK(scanner_.feed(*bytes));
  Piece all;
  while (!filter_->done()) {
    const auto event = scanner_.next();
    if (!event) break;
    AIGRID_CO_TRY(Piece piece, take(event->data));
    if (!piece.plain) resume_ = inner::Resume::None;
    if (resume_ == inner::Resume::Tokens && piece.tokens > 0) {
      auto named = co_await name_tokens(piece);
      if (!named.ok() || !*named) resume_ = inner::Resume::Text;
    }
    all.append(std::move(piece));
  }
  if (resume_ != inner::Resume::Tokens) all.ids.clear();
  co_return std::optional<Piece>(std::move(all));
}

io::Task<Result<std::optional<Piece>>> EngineAnswer::take_whole() {
  auto body = co_await response_->read_all(options_.cadence.answer_bytes);
  if (!body.ok()) co_return std::move(body).error();
  AIGRID_CO_TRY(const std::uint32_t tokens, filter_->whole(*body));
  Piece piece;
  piece.tokens = tokens;
  co_return std::optional<Piece>(std::move(piece));
}

// Not where an engine says with every event what it has read, nor where its counters say it in the end.
bool EngineAnswer::guesses_prompt() const {
  return !engine_.driver().capabilities().timings_per_event && !engine_.counts_itself();
}

std::uint64_t EngineAnswer::prompt_counted() const {
  const bool known = streams_ && filter_ && filter_->prompt_known() && begun_by_ != inner::Resume::Text;
  return known ? filter_->usage().prompt_tokens : 0;
}

bool EngineAnswer::estimated() const {
  if (!asked_ || !filter_) return false;
  return (!filter_->prompt_known() && guesses_prompt()) || begun_by_ == inner::Resume::Text;
}

grid::Usage EngineAnswer::usage() const {
  if (!filter_ || !asked_) return {};  // nothing was made here, and whoever asked knows what was before
  grid::Usage out = filter_->usage();
  if (!filter_->prompt_known() && guesses_prompt()) out.prompt_tokens = ask_.prompt_tokens;
  return out;
}

grid::Usage EngineAnswer::own_usage() const {
  if (!asked_) return {};
  grid::Usage out = usage();
  if (begun_by_ == inner::Resume::None) return out;
  const std::uint64_t before = std::min<std::uint64_t>(ask_.resume_count, out.completion_tokens);
  out.completion_tokens -= before;
  out.prompt_tokens += ask_.resume_count;
  return out;
}

}  // namespace aigrid::agent
