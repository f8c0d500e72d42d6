// Edits on the agent's side: the client's body for the engine, and the engine's answer for the client. Pure.
// Only fields of the public API reach an engine: an engine's own (slots, salts, budgets that go round max_tokens) never
// do. AnswerFilter: one per attempt, one owner. Errors: DataLoss (the engine sent what is no answer), Unavailable (its
// error event).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/openai/answer_join.h"
#include "grid/usage.h"

namespace aigrid::openai {

struct BodyEdit {
  std::string model;                    // the name the engine knows
  bool stream = false;                  // asks for usage in the stream
  std::uint32_t max_output_tokens = 0;  // the most; set where the client asked for none or for more; 0: leave alone
  bool count_each_event = false;        // llama.cpp: an exact count with every event, also while it reads the prompt
  bool token_ids = false;               // llama.cpp: the ids of tokens in `logprobs`
  bool stream_options = true;           // false: the engine refuses them
  // An answer that was begun elsewhere: its text so far, for the engine to go on from.
  std::string begun = {};
  bool begun_flags = false;     // says so in the words of vLLM and SGLang too
  std::uint32_t delivered = 0;  // its tokens: so many less are to be made
};

Result<std::string> edit_chat_body(std::string_view body, const BodyEdit& edit);
Result<std::string> edit_embeddings_body(std::string_view body, const BodyEdit& edit);

struct AnswerEdit {
  std::string id;  // `chatcmpl-…`; embeddings: unused
  std::int64_t created_unix_s = 0;
  std::string model;  // as the client asked for it
  bool embeddings = false;
  bool client_wants_usage = false;  // stream_options.include_usage
  bool join = false;                // the client takes it whole: the stream becomes one object
  bool hide_logprobs = false;       // asked for on our own account
  std::uint32_t resumed = 0;        // tokens that were delivered before: the engine took them for prompt
};

class AnswerFilter {
 public:
  explicit AnswerFilter(AnswerEdit edit) : edit_(std::move(edit)), counted_(edit_.resumed) {
    usage_.completion_tokens = counted_;
  }

  struct Piece {
    std::string client;              // whole SSE events for a Data frame; may be empty
    std::uint32_t tokens = 0;        // generated with it, for the Tokens frame before it
    std::vector<std::uint32_t> ids;  // of these tokens, as far as the engine named them
    std::string text;                // that they make
    bool plain = true;               // nothing but text: no tool call, no reasoning
    void append(Piece more);
  };
  // One `data:` payload of the engine's stream, `[DONE]` included. The last object is held back for tail(), and the
  // opening one without text until there is some: what is delivered begins with tokens.
  Result<Piece> event(std::string_view payload);
  // The whole answer of a request that is not streamed; gives the number of its tokens, the text is in tail().
  Result<std::uint32_t> whole(std::string_view body);

  bool done() const { return done_; }
  // After done(): the last JSON object without its closing brace (a stream's begins with `data: `).
  const std::string& tail() const { return held_; }
  // Of the whole answer: the prompt once, and all its tokens wherever they were made.
  const grid::Usage& usage() const { return usage_; }
  // The engine said it itself; otherwise usage() counts what was seen.
  bool usage_exact() const { return usage_exact_; }
  // The engine said how much of the prompt it has read.
  bool prompt_known() const { return prompt_known_; }
  const std::string& finish_reason() const { return finish_; }

 private:
  using Json = nlohmann::ordered_json;
  std::uint32_t count(const Json& object, std::int64_t choice, bool output);
  void count_usage(const Json& usage, bool alone);
  void hold_opening(const Json& choices, const std::string& text);
  Result<Piece> finish_stream();
  Json usage_object() const;

  AnswerEdit edit_;
  AnswerJoin join_;
  std::string opening_;  // the events that open choices, until something follows
  std::string held_;     // the last event so far, if it may be the last of all
  Piece unsent_;         // of held_
  grid::Usage usage_;
  Json usage_seen_;  // as the engine wrote it
  std::set<std::int64_t> opened_;
  std::map<std::int64_t, std::uint64_t> seen_;  // tokens by choice
  std::uint64_t counted_ = 0;
  std::string finish_;
  bool usage_exact_ = false;
  bool usage_alone_ = false;  // it came in events of its own
  bool prompt_known_ = false;
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
