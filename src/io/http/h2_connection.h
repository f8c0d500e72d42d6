// HTTP/2 connection over a Stream, in either role: many exchanges at once, one flush per turn of the loop.
// Thread contract: one worker. Lifetime: run() is spawned by the owner and ends with the connection; the connection
// object outlives run(). H2Streams may outlive the connection: then they fail. Dropping an H2Stream that is not over
// resets it.
// Errors: a lost connection wakes every stream at once with Unavailable, retry elsewhere; a refused stream the same; a
// stream the peer cancelled: Cancelled.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "format/http/h2.h"
#include "io/env/env.h"

namespace aigrid::io {

class H2Connection;

// Which connection a stream belongs to: who is at the other end, and since when. Outlives both.
struct Binding {
  Peer peer;
  Time since{};
};

// One exchange. At most one reader (head, read) and one writer at a time.
class H2Stream {
 public:
  H2Stream(Env& env, H2Connection& connection, http::StreamId id);
  ~H2Stream();
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;

  http::StreamId id() const { return id_; }
  const Binding& binding() const { return *binding_; }
  // Server: the request. Requester: what was asked.
  const http::RequestHead& request() const { return request_; }
  // Requester: the head of the answer. Once.
  Task<Result<http::ResponseHead>> head();
  // The next bytes; empty at the end of the stream. What came before a loss is given first, then the Error.
  Task<Result<std::string>> read();
  // All that is still to come, its window given back as it is read. ResourceExhausted for more than `most` bytes.
  Task<Result<std::string>> read_all(std::size_t most);
  // Gives the peer back `n` bytes of window: call it when the bytes of read() have gone on to whom they are for.
  void consume(std::size_t n);

  // Server, once.
  Result<void> respond(http::ResponseHead head, bool end = false);
  // Returns when less than 64 KiB of this stream wait to be sent.
  Task<Result<void>> write(std::string_view bytes);
  std::size_t buffered() const;
  // Nothing more from our side.
  Result<void> end();
  void reset(std::uint32_t code = http::kH2Cancel);

  // Neither side will send anything more, or the stream has failed.
  bool over() const { return failure_.has_value() || (remote_end_ && local_end_); }
  // The Error if the stream was reset or its connection lost.
  const std::optional<Error>& failure() const { return failure_; }
  // Called once when the stream fails (at once if it has): the way to notice while nobody reads. May set events.
  void on_failure(std::function<void()> fn);

 private:
  friend class H2Connection;
  void fail(Error error);
  Error gone() const;

  H2Connection* connection_;
  std::shared_ptr<const Binding> binding_;
  http::StreamId id_;
  http::RequestHead request_;
  std::optional<http::ResponseHead> head_;
  std::deque<std::string> arrived_;
  bool remote_end_ = false;
  bool local_end_ = false;
  bool answered_ = false;
  std::optional<Error> failure_;
  std::function<void()> on_failure_;
  Event readable_;
  Event writable_;
};

using ServeStream = std::function<Task<void>(std::shared_ptr<H2Stream>)>;

struct H2Options {
  // Ping when this long has passed since the last; 0: never. No answer within ping_within: the connection is lost.
  Duration ping_every = Duration(0);
  Duration ping_within = 5s;
};

class H2Connection {
 public:
  // `serve` runs once for each stream the peer opens (role Server); its tasks belong to the connection.
  H2Connection(Env& env, std::unique_ptr<Stream> stream, http::H2Role role, ServeStream serve = {},
               H2Options options = {});
  ~H2Connection();
  H2Connection(const H2Connection&) = delete;
  H2Connection& operator=(const H2Connection&) = delete;

  // Reads and writes until the connection ends, then waits for the streams being served to notice.
  Task<void> run();

  // Role Requester. May be called before run().
  Result<std::shared_ptr<H2Stream>> open(http::RequestHead head, bool end);
  // Round trip.
  Task<Result<Duration>> ping(Duration within = 5s);
  // Takes no new streams; those under way end in peace, then the connection closes.
  void goaway();
  // Ends now.
  void close();
  // Called once, when the connection has ended (at once if it has).
  void on_closed(std::function<void()> fn);
  bool closed() const { return closed_; }
  // The peer said goaway: open() fails from now on.
  bool draining() const { return draining_; }
  std::size_t streams() const { return streams_.size(); }
  const Peer& peer() const { return stream_->peer(); }

 private:
  friend class H2Stream;
  struct Ping {
    explicit Ping(Executor& ex) : done(ex) {}
    Event done;
    bool answered = false;
  };

  Task<void> write_loop();
  Task<void> ping_loop();
  Task<void> serve_one(std::shared_ptr<H2Stream> stream);
  void dispatch();
  void take(http::H2RequestHead&& event);
  void take(http::H2ResponseHead&& event);
  void take(http::H2Bytes&& event);
  void take(const http::H2End& event);
  void take(const http::H2Reset& event);
  void take(const http::H2Goaway& event);
  void take(const http::H2PingAck& event);
  void take(const http::H2Writable& event);
  H2Stream* find(http::StreamId id) const;
  void flush() { output_.set(); }
  void lose(Error error);

  Env& env_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<const Binding> binding_;
  http::H2Session session_;
  ServeStream serve_;
  H2Options options_;
  std::map<http::StreamId, H2Stream*> streams_;  // those not over; they unregister themselves
  std::map<std::uint64_t, Ping*> pings_;
  std::uint64_t next_ping_ = 1;
  Event output_;
  std::function<void()> on_closed_;
  bool closed_ = false;
  bool draining_ = false;
  bool writing_ = false;  // a view of the session's output is in use
  TaskGroup loops_;
  TaskGroup serving_;  // last: its frames use everything above
};

}  // namespace aigrid::io
