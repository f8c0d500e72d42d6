// EngineAnswer: one attempt's answer as its engine gives it: asks in the form the engine takes (a stream wherever it
// can stream, since only that can be aborted and counted at any moment), goes on from what another node delivered, and
// knows of every piece which tokens made it. One worker. Destroying it closes the engine's connection, which stops the
// work there. Errors of next(): DataLoss and Unavailable, the engine's; what a client sees of them is the attempt's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/agent/engines.h"
#include "app/agent/relay.h"
#include "engine/token_resume.h"
#include "format/inner/frames.h"

namespace aigrid::agent {

class EngineAnswer {
 public:
  EngineAnswer(io::Env& env, const AgentOptions& options, Engine& engine, const inner::Ask& ask);

  // Asks the engine. Nothing: it answers; else why not.
  io::Task<std::optional<inner::Refuse>> begin(std::string body);
  // What came next; nothing: the answer is complete, and filter() has its tail.
  io::Task<Result<std::optional<openai::AnswerFilter::Piece>>> next();

  // Stops the work: closes the connection.
  void close() { response_.reset(); }
  // How a stream can go on elsewhere after all that next() gave. Never rises.
  inner::Resume resume() const { return resume_; }
  const openai::AnswerFilter& filter() const { return *filter_; }
  bool streams() const { return streams_; }  // whatever its client takes
  bool asked() const { return asked_; }      // the engine may have begun to work
  // Of the whole answer so far, and of that what this engine did.
  grid::Usage usage() const;
  grid::Usage own_usage() const;
  // Of the request, once the engine has said; 0: it has not.
  std::uint64_t prompt_counted() const;
  bool estimated() const;  // the prompt's tokens are the asker's estimate

 private:
  io::Task<Result<void>> ask(engine::Request request);
  io::Task<Result<engine::Request>> plan(const std::string& body);
  io::Task<Result<engine::Request>> plan_from_tokens(const std::string& body);
  io::Task<Result<std::string>> tell(engine::Request request);
  io::Task<std::optional<inner::Refuse>> refused();
  bool guesses_prompt() const;
  Result<openai::AnswerFilter::Piece> take(std::string_view payload);
  io::Task<Result<bool>> name_tokens(openai::AnswerFilter::Piece& piece);
  io::Task<Result<std::optional<openai::AnswerFilter::Piece>>> take_whole();

  io::Env& env_;
  const AgentOptions& options_;
  Engine& engine_;
  const inner::Ask& ask_;
  std::optional<openai::AnswerFilter> filter_;
  std::optional<io::ClientResponse> response_;
  http::SseScanner scanner_;
  inner::Resume resume_ = inner::Resume::None;
  inner::Resume begun_by_ = inner::Resume::None;  // how this one goes on
  bool streams_ = false;                          // the engine does
  bool logprobs_ = false;                         // the client asked for them
  bool native_ = false;                           // events are those of TokenResume
  bool asked_ = false;
};

}  // namespace aigrid::agent
