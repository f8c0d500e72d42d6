// Inner frames: what gateways and agents say to each other about one attempt, both ways on one HTTP/2 stream.
// Wire: [type u8 | length u24 big-endian | payload]. Payload of structured frames: a sequence of fields
// [tag u8 | length varint | bytes] (integers: varint), unknown tags skipped, so that either side may be newer.
// Pure; bounded: a frame over kMaxFrame is a DataLoss error. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "grid/intent.h"
#include "grid/usage.h"

namespace aigrid::inner {

// What a frame that does not say it means.
inline constexpr std::uint32_t kRefuseStatus = 503;
inline constexpr std::uint8_t kAskTier = 1;  // standard

inline constexpr std::size_t kMaxFrame = (std::size_t{1} << 24U) - 1;

enum class FrameType : std::uint8_t {
  Ask = 1,
  Body = 2,
  Cancel = 3,
  Refuse = 16,
  Head = 17,
  Tokens = 18,
  Data = 19,
  Tail = 20,
  End = 21,
};

// Up: opens an attempt.
struct Ask {
  std::string request_id;
  std::uint32_t attempt = 0;
  std::string answer_id;  // `chatcmpl-…`
  std::int64_t created_unix_s = 0;
  std::string endpoint;  // "chat.completions" | "embeddings"
  std::string tenant;
  std::string project;
  std::string key_id;
  std::string model;  // as named in the bundle
  std::string deployment;
  std::string site;  // where it is to run
  std::string node;  // set by the site gateway towards the agent
  std::vector<std::string> excluded_nodes;
  std::vector<std::string> zones;  // the effective residency constraint: all must hold
  bool stream = false;
  std::uint32_t prompt_tokens = 0;  // estimate
  std::uint32_t max_output_tokens = 0;
  std::uint8_t hops = 0;
  std::uint32_t remaining_ms = 0;
  std::uint64_t bundle_version = 0;
  std::string grant;                      // bound to the connection
  std::vector<std::uint32_t> resume_ids;  // tokens already delivered, all of them, else none
  std::string resume_text;                // exactly the text delivered so far, for engines that resume by text
  std::uint32_t resume_count = 0;         // tokens delivered so far; 0: from the start
  std::uint32_t data_level = 0;           // of key and request; tenant and project add theirs
  std::vector<std::string> regimes;       // the same
  std::string ingress_site;               // where the request came in
  std::uint8_t tier = kAskTier;           // grid::Tier; one that is not known is the last
};
struct Body {
  std::string_view bytes;
};  // the client's own, untouched; perhaps several frames; the body is complete
    // when an empty Body frame came
struct Cancel {};

// Down.
// What an answer can be continued from elsewhere: the exact tokens, its text, or nothing.
enum class Resume : std::uint8_t { None = 0, Text = 1, Tokens = 2 };

struct Refuse {
  enum class Verdict : std::uint8_t { Elsewhere = 0, Never = 1, Redirect = 2 } verdict = Verdict::Elsewhere;
  std::uint32_t status = kRefuseStatus;
  std::string code;
  std::string message;
  std::string param;
  std::string node;
  std::vector<std::string> sites;
};
struct Head {
  std::string site;
  std::string node;
  std::string engine;
  Resume resume = Resume::None;     // how the stream that begins can be continued elsewhere, as far as is known now
  std::uint64_t prompt_tokens = 0;  // of the request, as the engine counted them; 0: it has not said yet
};
struct Tokens {
  std::uint32_t count = 0;
  std::vector<std::uint32_t> ids;  // of these tokens; empty: not known
  Resume resume = Resume::None;    // how the stream can be continued after its Data; never rises in a stream
};  // before its Data, which is whole SSE events of exactly these tokens
struct Data {
  std::string_view bytes;
};  // whole SSE events, verbatim for the client
struct Tail {
  std::string_view bytes;
};  // the last JSON object without its closing brace
struct End {
  grid::Usage usage;   // of the whole answer; a resumed one: prompt once, what was delivered before and what is new
  std::string finish;  // "stop", "length", "cancelled", "error"
  std::string error;   // when finish == "error": message for the explicit error event
  std::uint64_t queue_us = 0;
  std::uint64_t prefill_us = 0;
  std::uint64_t decode_us = 0;
  bool estimated = false;  // the prompt's tokens are the ingress's own estimate: the engine did not say
};

using Frame = std::variant<Ask, Body, Cancel, Refuse, Head, Tokens, Data, Tail, End>;

std::string encode(const Frame& frame);
// Bytes over kMaxFrame go out as several Body or Data frames (before a Tail: Data). A structured frame that large is a
// bug upstream; it is written as an empty frame of type 0, which every decoder refuses.
void encode_to(std::string& out, const Frame& frame);
// The 4 bytes before a payload written separately (no copy of large bodies); `size` <= kMaxFrame.
void encode_header(std::string& out, FrameType type, std::size_t size);

// Incremental decoder. Views in a frame are valid until the next call.
class Decoder {
 public:
  // A frame longer than `max_frame` is an error as soon as its length is read: bounds what a peer can make us hold.
  explicit Decoder(std::size_t max_frame = kMaxFrame) : max_frame_(max_frame) {}
  void feed(std::string_view bytes);
  // The next whole frame; nullopt: more bytes are needed.
  Result<std::optional<Frame>> next();
  // Bytes held for an unfinished frame.
  std::size_t buffered() const { return buffer_.size() - used_; }

 private:
  std::size_t max_frame_;
  std::string buffer_;
  std::size_t used_ = 0;
};

}  // namespace aigrid::inner
