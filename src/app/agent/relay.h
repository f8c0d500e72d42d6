// What passes between client and engine, edited: the body on its way in, the answer on its way out. One owner, no I/O.
// Errors: InvalidArgument (the body), DataLoss and Unavailable (the engine's answer).
#pragma once

#include <string>
#include <string_view>

#include "app/agent/engines.h"
#include "format/http/sse.h"
#include "format/inner/frames.h"
#include "format/openai/edit.h"

namespace aigrid::agent {

struct EditedRequest {
  std::string body;  // for the engine
  openai::AnswerEdit answer;
};
Result<EditedRequest> edit_for(const inner::Ask& ask, const Engine& engine, std::string_view body);

// Takes the bytes of one answer as they come.
class AnswerTaker {
 public:
  explicit AnswerTaker(openai::AnswerEdit edit) : filter_(std::move(edit)) {}

  // What became whole with these bytes of a stream: its tokens, and the bytes for the client.
  Result<openai::AnswerFilter::Piece> take(std::string_view bytes);
  // A whole answer; gives the number of its tokens.
  Result<std::uint32_t> take_whole(std::string_view body) { return filter_.whole(body); }
  bool finished() const { return filter_.done(); }
  const openai::AnswerFilter& filter() const { return filter_; }

 private:
  http::SseScanner scanner_;
  openai::AnswerFilter filter_;
};

}  // namespace aigrid::agent
