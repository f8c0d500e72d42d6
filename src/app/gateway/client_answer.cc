#include "app/gateway/client_answer.h"

#include <utility>

#include "app/gateway/answers.h"
#include "app/gateway/modes.h"
#include "format/openai/answer.h"
#include "format/openai/error_body.h"

namespace aigrid::gateway {

namespace event = dispatch::event;

namespace {

// So much of a stream waits for its first token, so that one that is lost before begins anew unseen.
constexpr std::size_t kUnseen = 4096;

}  // namespace

ClientAnswer::ClientAnswer(Services& services, Admitted& admitted, const Mandate& mandate,
                           const dispatch::RequestLife& life, Events& events, ClientWriter& writer)
    : services_(services), admitted_(admitted), mandate_(mandate), life_(life), events_(events), writer_(writer) {}

// ---- from the attempt

void ClientAnswer::begins(std::uint32_t attempt, const std::string& site, const std::string& node,
                          dispatch::Resume mode) {
  attempt_ = attempt;
  site_ = site;
  node_ = node;
  tail_.clear();
  given_.head(mode);
}

void ClientAnswer::progress(std::uint64_t bytes, std::uint32_t tokens) {
  events_.push({event::Progress{attempt_, bytes, tokens, given_.mode()}});
}

void ClientAnswer::tokens(const inner::Tokens& tokens) {
  given_.tokens(tokens.count, tokens.ids, mode_of(tokens.resume));
  progress(0, admitted_.question.scan.stream ? 0 : tokens.count);  // a stream's count when their data has come
}

void ClientAnswer::data(std::string_view bytes) {
  held_ += bytes;
  if (!admitted_.question.scan.stream) {
    progress(bytes.size(), 0);
    events_.push({event::Delivered{attempt_, bytes.size()}});
    return;
  }
  const bool matters = given_.mode() != dispatch::Resume::None;
  progress(0, given_.data(matters ? delta_.of(bytes) : std::string()));
  release(false);
}

void ClientAnswer::tail(std::string_view bytes) {
  tail_ = std::string(bytes);
  progress(0, 0);
}

void ClientAnswer::begin_anew() {
  held_.clear();
  tail_.clear();
  if (!streaming_) given_ = {};
}

void ClientAnswer::void_all() {
  held_.clear();
  tail_.clear();
  given_ = {};
}

// What is held of a stream goes out: after the head, and not before the first token.
void ClientAnswer::release(bool all) {
  if (!streaming_ || held_.empty()) return;
  if (given_.count() == 0) {
    if (!all && held_.size() <= kUnseen) return;
    given_.spoilt();
  }
  progress(held_.size(), 0);
  admitted_.evidence.sent(held_);
  writer_.bytes(attempt_, std::exchange(held_, {}));
}

// ---- to the client

void ClientAnswer::start() {
  if (!admitted_.question.scan.stream) return;  // a whole answer is sent when it is whole
  http::Headers out = headers();
  out.set("content-type", "text/event-stream; charset=utf-8");
  out.set("cache-control", "no-cache");
  streaming_ = true;
  writer_.start(std::move(out));
  release(false);
}

void ClientAnswer::fail(const dispatch::action::Fail& failure) {
  const openai::ApiError error{failure.status, failure.code, failure.message, failure.param};
  const std::string extra = request_id_member(admitted_.request_id);
  if (streaming_) {
    release(true);
    return writer_.last(openai::error_event(error, extra));
  }
  http::Headers out = headers();
  add_retry_headers(out, failure);
  writer_.whole(failure.status, std::move(out), openai::error_body(error, extra));
}

// In the place of the node that was lost before it could.
void ClientAnswer::close_by_length() {
  openai::Closing closing;
  closing.id = admitted_.answer_id;
  closing.created_unix_s = unix_seconds(admitted_.received_wall);
  closing.model = admitted_.question.scan.model;
  closing.finish_reason = "length";
  if (admitted_.question.scan.include_usage) {
    closing.usage = grid::Usage{admitted_.admission.input.prompt_tokens, given_.count(), 0};
  }
  auto [events, tail] = openai::closing_events(closing);
  held_ += events;
  tail_ = std::move(tail);
}

void ClientAnswer::complete() {
  if (streaming_) {
    release(true);
    return writer_.last(openai::finish_stream(tail_, grid_object(), service_tier()));
  }
  http::Headers out = headers();
  out.set("content-type", "application/json");
  std::string body = std::move(held_);
  body += openai::finish_object(tail_, grid_object(), service_tier());
  writer_.whole(200, std::move(out), std::move(body));
}

void ClientAnswer::end_evidence(bool finished) {
  if (finished) {
    admitted_.evidence.ends_with({held_, tail_});
  } else {
    admitted_.evidence.ends_with({});
  }
}

http::Headers ClientAnswer::headers() const {
  http::Headers out = standard_headers(admitted_.request_id, services_.env.now() - admitted_.received);
  if (!site_.empty()) out.set("x-aigrid-site", site_);
  out.set("x-aigrid-tier", grid::to_string(admitted_.admission.input.tier));
  out.set("x-aigrid-receipt", services_.audit.receipt(admitted_.request_id));
  services_.quotas.add_headers(admitted_.caller, out);
  return out;
}

std::string_view ClientAnswer::service_tier() const {
  if (!admitted_.question.scan.service_tier) return {};
  return openai::service_tier_of(admitted_.admission.input.tier);
}

std::string ClientAnswer::grid_object() const {
  const auto snapshot = mandate_.snapshot();
  openai::GridNote note;
  note.request_id = admitted_.request_id;
  note.site = site_;
  note.node = node_;
  note.tier = grid::to_string(admitted_.admission.input.tier);
  note.why = routing::sentence(*snapshot.tables, life_.decision());
  note.resumed = life_.resumes();
  note.hedged = life_.hedged();
  if (note.resumed > 0) note.resumed_by = given_.mode() == dispatch::Resume::Tokens ? "tokens" : "text";
  if (writer_.first_byte() != Time{}) note.ttft_ms = to_ms_f(writer_.first_byte() - admitted_.received);
  if (admitted_.question.intent.trace) {
    note.receipt = services_.audit.receipt(admitted_.request_id);
    note.explanation = explanation_json(*snapshot.tables, life_.explain(snapshot, services_.env.now()));
  }
  return openai::grid_object(note);
}

}  // namespace aigrid::gateway
