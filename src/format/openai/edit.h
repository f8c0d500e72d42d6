// Edits on the agent's side: the client's body for the engine, and the engine's answer for the client. Pure.
// Only fields of the public API reach an engine: an engine's own (slots, salts, budgets that go round max_tokens) never
// do. AnswerFilter: one per attempt, one owner. Errors: DataLoss (the engine sent what is no answer), Unavailable (its
// error event).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grid/usage.h"

namespace aigrid::openai {

struct BodyEdit {
  std::string model;                    // the name the engine knows
  bool stream = false;                  // asks for usage in the stream
  std::uint32_t max_output_tokens = 0;  // the most; set where the client asked for none or for more; 0: leave alone
  bool count_each_event = false;        // llama.cpp: `timings_per_token`, an exact count with every event
};

Result<std::string> edit_chat_body(std::string_view body, const BodyEdit& edit);
Result<std::string> edit_embeddings_body(std::string_view body, const BodyEdit& edit);

struct AnswerEdit {
  std::string id;  // `chatcmpl-…`; embeddings: unused
  std::int64_t created_unix_s = 0;
  std::string model;  // as the client asked for it
  bool embeddings = false;
  bool client_wants_usage = false;  // stream_options.include_usage
};

class AnswerFilter {
 public:
  explicit AnswerFilter(AnswerEdit edit) : edit_(std::move(edit)) {}

  struct Piece {
    std::string client;        // whole SSE events for a Data frame; may be empty
    std::uint32_t tokens = 0;  // generated with it, for the Tokens frame before it
  };
  // One `data:` payload of the engine's stream, `[DONE]` included. The last object is held back for tail().
  Result<Piece> event(std::string_view payload);
  // The whole answer of a request that is not streamed; gives the number of its tokens, the text is in tail().
  Result<std::uint32_t> whole(std::string_view body);

  bool done() const { return done_; }
  // After done(): the last JSON object without its closing brace (a stream's begins with `data: `).
  const std::string& tail() const { return held_; }
  const grid::Usage& usage() const { return usage_; }
  // The engine said it itself; otherwise usage() counts what was seen.
  bool usage_exact() const { return usage_exact_; }
  const std::string& finish_reason() const { return finish_; }

 private:
  AnswerEdit edit_;
  std::string held_;  // the last event so far, if it may be the last of all
  grid::Usage usage_;
  std::uint64_t counted_ = 0;
  std::string finish_;
  bool usage_exact_ = false;
  bool done_ = false;
};

// The text of an engine's own error body (`{"error":{"message":…}}`), and its kind: context overflow becomes
// `context_length_exceeded`.
struct EngineError {
  int status = 500;
  std::string code;
  std::string message;
};
EngineError read_engine_error(int status, std::string_view body);

}  // namespace aigrid::openai
