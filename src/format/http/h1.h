// Strict, incremental HTTP/1.1 parser (RFC 9112), one per connection and direction. No I/O, no copies of bodies.
// Use: feed() until it consumes nothing; after each call drain next(). After End, feed() consumes nothing until
// restart(). Refused, because two readers could frame them in two ways: Content-Length with Transfer-Encoding, repeated
// or listed lengths, bare LF, folded lines, control characters, unknown codings. Trailers are checked, then dropped.
// One owner. A Body view lives until the next feed().
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "format/http/message.h"

namespace aigrid::http {

struct H1Limits {
  std::size_t head_bytes = 32 * 1024;  // start line and fields; the same again for trailers
  std::size_t headers = 100;
  std::size_t target_bytes = 8 * 1024;
  std::uint64_t body_bytes = 64ULL << 20U;
};

enum class H1Role : std::uint8_t { Server, Client };  // Server parses requests, Client parses responses

struct H1Event {
  enum class Kind : std::uint8_t { Head, Body, End, Error };
  Kind kind = Kind::End;
  std::string_view body;  // Body
  int status = 0;         // Error: the answer to give (client role: always 502)
  std::string reason;     // Error
};

// How the current message is framed. Valid from Head on.
struct H1Framing {
  int minor = 1;  // HTTP/1.minor
  bool keep_alive = true;
  bool chunked = false;
  bool until_close = false;
  bool expect_continue = false;
  std::optional<std::uint64_t> length;  // Content-Length
};

class H1Parser {
 public:
  explicit H1Parser(H1Role role, const H1Limits& limits = {}) : role_(role), limits_(limits) {}

  // Parses a prefix of `bytes` and says how long it was. Stops early once an event waits in next().
  std::size_t feed(std::string_view bytes);
  // The peer has closed: End for a body that runs until close, Error for a cut message, nothing between messages.
  void feed_end();
  std::optional<H1Event> next();

  // Client: the next response answers a HEAD request, so it has no body.
  void expect_no_body() { no_body_ = true; }
  // Makes ready for the next message on the same connection.
  void restart();

  const RequestHead& request() const { return request_; }
  RequestHead take_request() { return std::move(request_); }
  const ResponseHead& response() const { return response_; }
  ResponseHead take_response() { return std::move(response_); }
  const H1Framing& framing() const { return framing_; }
  // Nothing of the next message has arrived.
  bool idle() const { return state_ == State::Start && head_bytes_ == 0; }
  bool done() const { return state_ == State::Done; }
  bool failed() const { return state_ == State::Failed; }

 private:
  enum class State : std::uint8_t {
    Start,
    Fields,
    Length,
    ChunkSize,
    ChunkBytes,
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
    Failed
  };

  std::size_t feed_line(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void take_line(std::string_view line);
  void take_request_line(std::string_view line);
  void take_target(std::string_view target);
  void take_status_line(std::string_view line);
  bool take_version(std::string_view version);
  bool check_field(std::string_view line, std::string_view& name, std::string_view& value);
  void take_field(std::string_view line);
  void take_chunk_size(std::string_view line);
  void end_head();
  bool frame_message(const Headers& headers);
  void check_host();
  void begin_body();
  void finish();
  void fail(int status, std::string reason);
  std::string over_limit() const;
  Headers& headers() { return role_ == H1Role::Server ? request_.headers : response_.headers; }

  H1Role role_;
  H1Limits limits_;
  State state_ = State::Start;
  std::string line_;            // a line that is not whole yet
  std::size_t head_bytes_ = 0;  // of this head, or of the trailers
  std::size_t fields_ = 0;
  std::size_t extension_bytes_ = 0;
  int informational_ = 0;
  std::uint64_t left_ = 0;       // of the body or the chunk
  std::uint64_t body_seen_ = 0;  // chunked and until-close bodies
  bool no_body_ = false;
  std::string authority_;  // from an absolute-form target
  RequestHead request_;
  ResponseHead response_;
  H1Framing framing_;
  std::deque<H1Event> events_;
};

}  // namespace aigrid::http
