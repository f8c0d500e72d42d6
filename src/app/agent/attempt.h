// Attempt: one attempt of a request on this node, from the gateway's frames to the engine's answer in frames. Decides
// residency again from the node's own bundle, holds a slot, edits the body for the engine, and says exactly once how it
// ended: Refuse, or Head … End. One worker. Destroying it closes the engine's connection, which stops the work there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/agent/agent.h"
#include "app/agent/bundle_follow.h"
#include "app/agent/counters.h"
#include "app/agent/engine_answer.h"
#include "app/agent/engines.h"
#include "app/agent/work_records.h"
#include "core/access/grant_book.h"
#include "format/inner/frames.h"
#include "io/http/h2_connection.h"

namespace aigrid::agent {

// What attempts need of their node. Outlives them.
struct Services {
  io::Env& env;
  const AgentOptions& options;
  std::string site;  // as certified
  BundleFollow& bundle;
  Engines& engines;
  Counters& counters;
  WorkRecords& records;
  bool draining = false;  // a stop was asked for
  access::GrantBook grants{};
};

class Attempt {
 public:
  Attempt(Services& services, std::shared_ptr<io::H2Stream> stream);
  io::Task<void> run();

 private:
  io::Task<void> read_frames();
  Result<bool> take_frames();  // true: cancelled
  Result<void> take_body(std::string_view bytes);
  // The node's question to itself about who asks and for what: nothing, or the refusal.
  std::optional<inner::Refuse> check_law(const View& view);
  Result<void> check_grant() const;
  std::optional<inner::Refuse> check();  // nothing: engine_ is set and a slot of it taken
  io::Task<void> answer();
  io::Task<void> relay();
  io::Task<void> pass_on(openai::AnswerFilter::Piece piece);
  io::Task<void> engine_failed(const Error& error);
  io::Task<void> finish();
  // Of an answer that the client takes whole: that it has begun, that it goes on.
  io::Task<void> say_begun();
  io::Task<void> say_still_working();
  io::Task<void> send(inner::Frame frame);
  io::Task<void> send_head();
  io::Task<void> refuse(inner::Refuse refusal);
  io::Task<void> end(std::string finish, std::string error);
  io::Task<void> cancel();
  void record(std::string_view finish, std::string_view why);

  Services& services_;
  std::shared_ptr<io::H2Stream> stream_;
  inner::Decoder decoder_;
  std::optional<inner::Ask> ask_;
  std::string body_;
  bool body_whole_ = false;
  bool head_sent_ = false;
  bool begun_told_ = false;
  bool ended_ = false;  // Refuse or End was sent
  std::shared_ptr<Engine> engine_;
  std::optional<EngineAnswer> engine_answer_;
  std::uint32_t untold_tokens_ = 0;  // of an answer that the client takes whole
  Time started_{};
  Time first_token_{};
  Time last_token_{};
  io::Event over_;
  io::TaskGroup reading_;
  io::TaskGroup working_;  // last: its frames use all above
};

}  // namespace aigrid::agent
