// One chat request to a gateway, its tokens as they come, and what the answer says about where it ran. One worker.
// Errors: Unavailable, DeadlineExceeded, DataLoss (cut); an answer that is an error, with its message.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "io/env/env.h"

namespace aigrid::cli {

struct ChatAsk {
  std::string gateway{};  // its URL
  std::string ca{};       // PEM file of whom to trust behind https://; empty: whom this machine trusts
  std::string key{};
  std::string model{};
  std::string message{};
  std::string zone{};                   // of the intent; empty: none
  int max_tokens = 0;                   // 0: as the deployment says
  std::optional<double> temperature{};  // none: the engine's own
  Duration within{};                    // for the head, and between two pieces
};

struct ChatOutcome {
  std::string text;
  std::string site;
  std::string node;
  std::string why;
  std::string request_id;
  std::string finish;
};

using TokenSink = std::function<void(std::string_view text)>;

io::Task<Result<ChatOutcome>> ask_chat(io::Env& env, ChatAsk ask, TokenSink token);

// The body that is sent.
std::string chat_body(const ChatAsk& ask);
// Takes one event's text into the outcome; gives the answer's new text. InvalidArgument for an error event.
Result<std::string> take_event(std::string_view event, ChatOutcome& outcome);
// The first model of a GET /v1/models that chats; one that does not say what it is for counts as one (another server
// than ours). InvalidArgument: none, with what there is.
Result<std::string> chat_model_of(std::string_view models);
// The message of an OpenAI error body, or the body.
std::string error_message(std::string_view body);

}  // namespace aigrid::cli
