// The text that events of a chat stream add to the answer: what a node that can only continue text has to be told.
// Pure; one owner (it keeps its parser's buffers).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace aigrid::openai {

class DeltaText {
 public:
  DeltaText();
  ~DeltaText();
  // `events`: whole SSE events. What is no chat chunk adds nothing.
  std::string of(std::string_view events);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace aigrid::openai
