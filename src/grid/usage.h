// Usage and the terminal record of a request. Plain values, any thread. Tokens as counted by the engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aigrid::grid {

struct Usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t cached_tokens = 0;
};

enum class Outcome : std::uint8_t {
  Finished,
  ClientGone,
  Refused,  // by us, before any attempt was accepted
  Failed,   // no place could finish it (node lost, engine error)
  TimedOut,
  IngressLost,  // closed by control from the agent's record
};

struct AttemptRecord {
  std::uint32_t number = 0;
  std::string site;
  std::string node;
  std::string result;  // "ok", or the reason it ended
  Usage usage;
  std::uint64_t heard_tokens = 0;  // completion tokens whose frames the ingress itself received
  bool hedge = false;              // raced another for the first token, and lost
  bool resumes = false;            // goes on from what the attempt before it delivered
  // The site's terms when the request was admitted.
  std::string operator_name = {};
  std::int64_t cost_nano = 0;   // per token, what it costs that operator
  std::int64_t margin_ppm = 0;  // what that operator is owed on top of its cost by another operator
};

// What was agreed with the tenant when its request was admitted. No price book: nothing was agreed, nothing is billed.
struct Terms {
  std::string price_book;
  std::string currency;
  std::int64_t input_nano = 0;    // per prompt token
  std::int64_t output_nano = 0;   // per completion token
  std::string operator_name;      // who sells to the tenant, and owes other operators what they do for it
  std::uint64_t prompt_most = 0;  // so many prompt tokens the body can be at most; 0: not known
};

// What a request itself asked of its place, beyond what its key says: by it, it can be asked again under another law.
struct Asked {
  std::vector<std::string> zones;
  std::uint32_t data_level = 0;
  std::vector<std::string> regimes;
  std::vector<std::string> only_sites;
  std::vector<std::string> ignore_sites;
};

// Exactly one per request, written by its ingress gateway. Identity: (source, epoch, sequence), for ever.
struct Record {
  std::string source;  // gateway name
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string request_id;
  std::string tenant;
  std::string project;
  std::string key_id;
  std::string model;
  std::string endpoint;  // "chat.completions" | "embeddings"
  std::string tier;      // as it was treated; empty: refused before that was known
  std::string site;      // that answered; empty when none did
  std::string node;
  Outcome outcome = Outcome::Refused;
  std::string code;  // error code given to the client, or empty
  int status = 0;
  Usage usage;
  std::int64_t charge_nano = 0;
  std::int64_t received_unix_ms = 0;
  std::int64_t ttft_us = 0;  // 0: nothing was sent
  std::int64_t total_us = 0;
  std::uint64_t bundle_version = 0;  // the signed bundle whose policies and prices were in force at admission
  Terms terms = {};
  Asked asked = {};
  std::vector<AttemptRecord> attempts;
};

// What one node did for one attempt, written by its agent whatever its gateway got to know; from these control closes a
// request whose ingress was lost. Identity: (source, epoch, sequence), for ever.
struct AgentRecord {
  std::string source;  // the node
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string request_id;
  std::uint32_t attempt = 0;
  std::string tenant;
  std::string project;
  std::string key_id;
  std::string model;
  std::string endpoint;
  std::string deployment;
  std::string site;
  std::string finish;      // "stop", "length", …; "refused", "error", "cancelled", "abandoned" (nobody was left)
  Usage usage;             // the engine's own work in this attempt, also of what nobody took
  bool estimated = false;  // its prompt tokens are an estimate
  std::uint64_t resume_count = 0;  // of its prompt tokens: those that earlier attempts made
  std::int64_t ended_unix_ms = 0;
  std::int64_t wall_us = 0;
};

}  // namespace aigrid::grid
