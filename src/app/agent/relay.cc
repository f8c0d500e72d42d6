#include "app/agent/relay.h"

#include "format/openai/scan.h"

namespace aigrid::agent {

namespace {

inner::Resume as_frame(engine::Resume resume) {
  switch (resume) {
    case engine::Resume::Tokens: return inner::Resume::Tokens;
    case engine::Resume::Text: return inner::Resume::Text;
    case engine::Resume::None: break;
  }
  return inner::Resume::None;
}

// A tool call or a structured answer has a state that neither tokens nor text carry over.
inner::Resume can_resume(const inner::Ask& ask, const Engine& engine, const openai::RequestScan& scan) {
  if (!ask.stream || ask.endpoint != "chat.completions" || scan.tools || scan.response_format) {
    return inner::Resume::None;
  }
  return as_frame(engine.driver().resume(engine.deployment()));
}

Result<inner::Resume> way_on(const inner::Ask& ask, inner::Resume can) {
  if (ask.resume_count == 0) return inner::Resume::None;
  if (can == inner::Resume::Tokens && ask.resume_ids.size() == ask.resume_count) return inner::Resume::Tokens;
  if (can != inner::Resume::None && !ask.resume_text.empty()) return inner::Resume::Text;
  return Error{Code::Unavailable, Origin::Self, Retry::Elsewhere,
               "this engine cannot continue the answer from what was delivered; another may"};
}

}  // namespace

Result<EditedRequest> edit_for(const inner::Ask& ask, const Engine& engine, std::string_view body) {
  EditedRequest out;
  out.answer.id = ask.answer_id;
  out.answer.created_unix_s = ask.created_unix_s;
  out.answer.embeddings = ask.endpoint == "embeddings";
  auto scan = out.answer.embeddings ? openai::scan_embeddings(body) : openai::scan_chat(body);
  if (!scan) return invalid(scan.error().message);
  out.answer.model = scan->model;
  out.answer.client_wants_usage = scan->include_usage;
  out.logprobs = scan->logprobs;
  // Without usage a stream of a whole answer would have no count to show: then it is asked for as a whole.
  out.streams = !out.answer.embeddings && (ask.stream || engine.takes_stream_options());
  out.answer.join = out.streams && !ask.stream;
  out.resume = can_resume(ask, engine, *scan);
  AIGRID_TRY(out.begun_by, way_on(ask, out.resume));
  const engine::Capabilities can = engine.driver().capabilities();
  openai::BodyEdit edit;
  edit.model = engine.model_name();
  edit.stream = out.streams;
  edit.stream_options = engine.takes_stream_options();
  edit.max_output_tokens = ask.max_output_tokens > 0 ? ask.max_output_tokens : engine.deployment().max_output_tokens;
  edit.count_each_event = can.timings_per_event;
  edit.token_ids =
      can.token_ids && out.resume == inner::Resume::Tokens && !scan->logprobs && out.begun_by == inner::Resume::None;
  const bool goes_on = out.begun_by != inner::Resume::None;
  if (goes_on && edit.max_output_tokens > 0 && ask.resume_count >= edit.max_output_tokens) {
    return Error{Code::Unavailable, Origin::Self, Retry::Elsewhere,
                 "the answer is already as long as this deployment makes them; another may make longer ones"};
  }
  out.answer.hide_logprobs = !scan->logprobs;
  if (out.begun_by != inner::Resume::None) edit.delivered = out.answer.resumed = ask.resume_count;
  if (out.begun_by == inner::Resume::Text) {
    edit.begun = ask.resume_text;
    edit.begun_flags = true;
    out.resume = inner::Resume::Text;
  }
  AIGRID_TRY(out.body,
             out.answer.embeddings ? openai::edit_embeddings_body(body, edit) : openai::edit_chat_body(body, edit));
  return out;
}

}  // namespace aigrid::agent
