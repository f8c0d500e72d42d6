// TokenResume of llama.cpp's server: /apply-template, /tokenize, then the native /completion with a token array. The
// chat endpoint cannot take tokens, and names each delivered one by `logprobs`. Facts it rests on: both endpoints
// tokenise and sample alike; at temperature 0 the continuation is that of the unbroken run; the state of the random
// numbers does not carry over. Pure, any thread.
#pragma once

#include "engine/token_resume.h"

namespace aigrid::engine {

class LlamaCppTokens final : public TokenResume {
 public:
  Result<Request> ask_prompt(std::string_view body) const override;
  Result<std::string> prompt(std::string_view answer) const override;
  Request ask_ids(std::string_view text, bool is_prompt) const override;
  Result<TokenIds> ids(std::string_view answer) const override;
  Request ask_text(const TokenIds& ids) const override;
  Result<std::string> text(std::string_view answer) const override;
  Result<Request> continue_from(std::string_view body, const TokenIds& ids) const override;
  Result<std::vector<std::string>> as_chat(std::string_view event, bool logprobs) const override;
};

}  // namespace aigrid::engine
