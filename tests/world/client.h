// A client of the public API in a virtual world: asks one question over HTTP/1.1, streamed or not, and notes what it
// saw. One worker. An Asked outlives the task that fills it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "format/http/message.h"
#include "io/env/env.h"

namespace aigrid::world {

struct Ask {
  io::Address gateway;
  std::string key;
  std::string model = "small";
  std::string prompt = "what is the capital of France";
  bool stream = true;
  std::uint32_t max_tokens = 8;
  std::string intent;                   // X-AIGrid-Intent; empty: none
  std::optional<Duration> leave_after;  // closes the connection so long after asking
  Duration pause{0};                    // a slow reader: waits so long before each read
};

// What one request came to, as its client saw it.
struct Asked {
  Ask ask;
  bool over = false;
  bool left = false;      // by our own will
  bool complete = false;  // whole body, or a stream with [DONE]
  int status = 0;         // 0: no head came
  std::string code;       // of an error body or event
  std::string why;        // the error, for people
  std::string text;
  std::uint32_t tokens = 0;         // deltas with content; of a whole answer, its usage
  std::uint64_t prompt_tokens = 0;  // of the answer's usage, where there is one
  std::uint32_t roles = 0;          // chunks that say who speaks
  std::uint32_t resumed = 0;        // as the answer says
  Time heard{};                     // the last token
  Duration longest_pause{};         // between tokens
  http::Headers headers;
  std::string request_id;
  std::string receipt;
  std::string site;
  std::string node;
  Time asked{};
  Time first{};
  Time ended{};
};

// Returns when the answer is over, however it ended.
io::Task<void> ask(io::Env& env, std::shared_ptr<Asked> out);

}  // namespace aigrid::world
