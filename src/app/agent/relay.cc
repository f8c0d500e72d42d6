#include "app/agent/relay.h"

#include "format/openai/scan.h"

namespace aigrid::agent {

Result<EditedRequest> edit_for(const inner::Ask& ask, const Engine& engine, std::string_view body) {
  EditedRequest out;
  out.answer.id = ask.answer_id;
  out.answer.created_unix_s = ask.created_unix_s;
  out.answer.embeddings = ask.endpoint == "embeddings";
  auto scan = out.answer.embeddings ? openai::scan_embeddings(body) : openai::scan_chat(body);
  if (!scan) return invalid(scan.error().message);
  out.answer.model = scan->model;
  out.answer.client_wants_usage = scan->include_usage;
  openai::BodyEdit edit;
  edit.model = engine.model_name();
  edit.stream = ask.stream;
  edit.max_output_tokens = ask.max_output_tokens > 0 ? ask.max_output_tokens : engine.deployment().max_output_tokens;
  edit.count_each_event = engine.driver().capabilities().timings_per_event;
  AIGRID_TRY(out.body,
             out.answer.embeddings ? openai::edit_embeddings_body(body, edit) : openai::edit_chat_body(body, edit));
  return out;
}

Result<openai::AnswerFilter::Piece> AnswerTaker::take(std::string_view bytes) {
  AIGRID_CHECK_OK(scanner_.feed(bytes));
  openai::AnswerFilter::Piece all;
  while (!filter_.done()) {
    const auto event = scanner_.next();
    if (!event) break;
    AIGRID_TRY(auto piece, filter_.event(event->data));
    all.client += piece.client;
    all.tokens += piece.tokens;
  }
  return all;
}

}  // namespace aigrid::agent
