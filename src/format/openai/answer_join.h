// AnswerJoin: the events of a streamed chat answer, put together into the answer that is not streamed: the client asked
// for a whole one, the engine is always asked for a stream (only that can be aborted and counted at any moment). Texts
// are concatenated, tool calls by their index, logprobs appended. One owner, no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>

namespace aigrid::openai {

class AnswerJoin {
 public:
  // One `chat.completion.chunk`.
  void add(const nlohmann::ordered_json& chunk);
  // The `chat.completion` so far; usage is the caller's to add.
  nlohmann::ordered_json whole() const;

 private:
  struct Choice {
    nlohmann::ordered_json message = nlohmann::ordered_json::object();
    nlohmann::ordered_json logprobs;
    nlohmann::ordered_json finish;
  };
  nlohmann::ordered_json top_ = nlohmann::ordered_json::object();
  std::map<std::int64_t, Choice> choices_;
};

}  // namespace aigrid::openai
