// TokenResume: how an engine goes on from the exact tokens of an answer that was begun elsewhere, and how it names
// tokens. Pure: what to ask, and what the answers mean; the agent does the asking. Stateless and immutable, any thread.
// Errors: DataLoss where an answer is not what the engine gives; InvalidArgument where a body is no chat request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/driver.h"

namespace aigrid::engine {

using TokenIds = std::vector<std::uint32_t>;

class TokenResume {
 public:
  virtual ~TokenResume() = default;
  // The text that a chat request becomes. `body` as it would go to the chat endpoint.
  virtual Result<Request> ask_prompt(std::string_view body) const = 0;
  virtual Result<std::string> prompt(std::string_view answer) const = 0;
  // The tokens of a text; a prompt's begins with what the model begins with, and its markers are tokens.
  virtual Request ask_ids(std::string_view text, bool is_prompt) const = 0;
  virtual Result<TokenIds> ids(std::string_view answer) const = 0;
  virtual Request ask_text(const TokenIds& ids) const = 0;
  virtual Result<std::string> text(std::string_view answer) const = 0;
  // The stream that continues: sampling, stops and the rest of the tokens from `body`, after all of `ids`.
  virtual Result<Request> continue_from(std::string_view body, const TokenIds& ids) const = 0;
  // One event of that stream as payloads of a chat stream, `[DONE]` included; none: it says nothing.
  virtual Result<std::vector<std::string>> as_chat(std::string_view event, bool logprobs) const = 0;
};

}  // namespace aigrid::engine
