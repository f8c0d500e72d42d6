// Scan: one pass over a client's body: what routing, admission and accounting must know, and every check that must come
// before a place is chosen. The body itself goes to the engine's agent untouched. Pure; no state; any thread.
// Errors: ApiError with the parameter's path. Depth is bounded, duplicate keys that matter are refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/openai/error_body.h"
#include "grid/intent.h"

namespace aigrid::openai {

inline constexpr std::size_t kMaxBodyDepth = 64;
inline constexpr std::size_t kMaxMessages = 100'000;
inline constexpr std::size_t kMaxInputs = 2048;

struct RequestScan {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  std::optional<std::uint32_t> max_output_tokens;  // the lower of max_tokens and max_completion_tokens
  std::uint32_t messages = 0;                      // embeddings: inputs
  std::uint64_t prompt_bytes = 0;                  // text of messages or inputs
  std::uint64_t prompt_token_ids = 0;              // embeddings given as token ids
  bool tools = false;
  bool response_format = false;
  bool logprobs = false;
  bool base64 = false;        // embeddings: encoding_format
  bool service_tier = false;  // named: the answer says which it was
  // Of the body alone: service_tier, then `grid` and `provider` as they stand. The later only narrows.
  std::vector<grid::Intent> intents;

  // Before an engine has counted: 4 bytes a token, 4 tokens a message.
  std::uint32_t estimated_prompt_tokens() const;
};

template <class T>
using Scanned = tl::expected<T, ApiError>;

Scanned<RequestScan> scan_chat(std::string_view body);
Scanned<RequestScan> scan_embeddings(std::string_view body);

}  // namespace aigrid::openai
