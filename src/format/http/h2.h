// HTTP/2 session (RFC 9113) over nghttp2, without I/O: bytes in, events and bytes out. The requester opens streams, the
// server answers them; which of the two dialled does not matter here.
// Use: receive() what arrived, drain next_event(), act, send pending_output(); repeat. Nothing calls back.
// Flow control: the connection's window is returned on receipt, a stream's only by consume(): what the application has
// not consumed is bounded by kStreamWindow. Abuse (rapid reset, floods, header bombs) ends in an error from receive(),
// after which the connection is to be closed; pending_output() then still holds the GOAWAY.
// One owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "format/http/message.h"

struct nghttp2_session;

namespace aigrid::http {

using StreamId = std::int32_t;
using PingPayload = std::array<std::uint8_t, 8>;

struct H2RequestHead {
  StreamId stream;
  RequestHead head;
};
struct H2ResponseHead {
  StreamId stream;
  ResponseHead head;
};
struct H2Bytes {
  StreamId stream;
  std::string bytes;  // count them with consume()
};
// The peer sends nothing more on this stream.
struct H2End {
  StreamId stream;
};
// The stream is gone before both ends were sent (or by REFUSED_STREAM and the like).
struct H2Reset {
  StreamId stream;
  std::uint32_t code;
};
// No new streams; those above `last` were not and will not be seen by the peer.
struct H2Goaway {
  StreamId last;
  std::uint32_t code;
};
struct H2PingAck {
  PingPayload payload;
};
// What send() has buffered fell below half of kSendBuffer after having been above it.
struct H2Writable {
  StreamId stream;
};
using H2Event = std::variant<H2RequestHead, H2ResponseHead, H2Bytes, H2End, H2Reset, H2Goaway, H2PingAck, H2Writable>;

enum class H2Role : std::uint8_t { Requester, Server };

// RFC 9113 §7
inline constexpr std::uint32_t kH2NoError = 0;
inline constexpr std::uint32_t kH2ProtocolError = 1;
inline constexpr std::uint32_t kH2RefusedStream = 7;
inline constexpr std::uint32_t kH2Cancel = 8;

class H2Session {
 public:
  static constexpr std::uint32_t kStreamWindow = 64 * 1024;
  static constexpr std::int32_t kConnectionWindow = 1 << 30;
  static constexpr std::uint32_t kMaxStreams = 10'000;
  static constexpr std::size_t kSendBuffer = 64 * 1024;
  static constexpr std::size_t kMaxHeaders = 100;
  static constexpr std::size_t kMaxHeadBytes = 32 * 1024;

  explicit H2Session(H2Role role);
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  Result<void> receive(std::string_view bytes);
  std::optional<H2Event> next_event();
  // Bytes to write to the peer; empty when there is nothing to say. Valid until the next call of this or of
  // consume_output().
  std::string_view pending_output();
  void consume_output(std::size_t n);
  // Nothing more will ever be sent or read (after GOAWAY both ways and the last stream).
  bool finished() const;

  // Requester. The "host" header travels as :authority. Unavailable after a GOAWAY.
  Result<StreamId> open(const RequestHead& head, bool end);
  // Server. Once a stream; false if the stream is gone or was answered already.
  bool respond(StreamId stream, const ResponseHead& head, bool end);
  // Takes all bytes; see buffered(). False if the stream is gone or its end was sent.
  bool send(StreamId stream, std::string_view bytes);
  bool end(StreamId stream);
  void reset(StreamId stream, std::uint32_t code = kH2Cancel);
  // Bytes taken by send() and not yet in pending_output().
  std::size_t buffered(StreamId stream) const;
  void consume(StreamId stream, std::size_t n);
  void ping(const PingPayload& payload);
  // Accepts no new streams; those under way go on.
  void goaway(std::uint32_t code = kH2NoError);
  // Streams that are not closed.
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Stream;
  struct Callbacks;

  Stream* find(StreamId stream) const;
  void resume(Stream& stream);
  void emit(H2Event event) { events_.push_back(std::move(event)); }
  void head_done(Stream& stream);
  bool take_header(Stream& stream, std::string_view name, std::string_view value);
  void strike() { ++strikes_; }

  H2Role role_;
  nghttp2_session* session_ = nullptr;
  std::map<StreamId, std::unique_ptr<Stream>> streams_;
  std::deque<H2Event> events_;
  std::string output_;
  std::size_t output_sent_ = 0;
  std::uint64_t strikes_ = 0;  // frames that cost us and bring nothing
  std::uint64_t served_ = 0;   // streams that ended well: they pay for strikes
  std::string broken_;         // why receive() fails for good
};

}  // namespace aigrid::http
