// A client's body, edited for the engine that is to answer it. Pure. Errors: InvalidArgument (the body), Unavailable
// (an answer begun elsewhere that this engine cannot continue).
#pragma once

#include <string>
#include <string_view>

#include "app/agent/engines.h"
#include "format/http/sse.h"
#include "format/inner/frames.h"
#include "format/openai/edit.h"

namespace aigrid::agent {

struct EditedRequest {
  std::string body;  // for the engine's usual endpoint
  openai::AnswerEdit answer;
  bool streams = false;                          // the engine is asked for a stream
  bool logprobs = false;                         // the client asked for them
  inner::Resume resume = inner::Resume::None;    // how its answer can go on elsewhere
  inner::Resume begun_by = inner::Resume::None;  // how it goes on here; None: from the start
};
Result<EditedRequest> edit_for(const inner::Ask& ask, const Engine& engine, std::string_view body);

}  // namespace aigrid::agent
