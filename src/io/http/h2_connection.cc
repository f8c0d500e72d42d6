#include "io/http/h2_connection.h"

#include <cstring>

namespace aigrid::io {
namespace {

constexpr std::size_t kReadPiece = 32 * 1024;
constexpr std::uint32_t kInternalError = 2;

Error reset_error(std::uint32_t code) {
  switch (code) {
    case http::kH2RefusedStream: return unavailable("http/2: the peer refused the stream");
    case http::kH2Cancel:
      return {Code::Cancelled, Origin::Upstream, Retry::Never, "http/2: the peer cancelled the stream"};
    default: return unavailable("http/2: the stream was reset with code " + std::to_string(code));
  }
}

}  // namespace

H2Stream::H2Stream(Env& env, H2Connection& connection, http::StreamId id)
    : connection_(&connection),
      binding_(connection.binding_),
      id_(id),
      readable_(env.executor()),
      writable_(env.executor()) {
  connection.streams_[id] = this;
}

H2Stream::~H2Stream() {
  if (!connection_) return;
  connection_->streams_.erase(id_);
  // A complete answer whose request side is still open is left to the peer to end: a reset would overtake it.
  if (!failure_ && !local_end_) {
    connection_->session_.reset(id_, connection_->serve_ ? kInternalError : http::kH2Cancel);
    connection_->flush();
  } else if (!failure_ && !remote_end_ && !connection_->serve_) {
    connection_->session_.reset(id_, http::kH2Cancel);
    connection_->flush();
  }
}

void H2Stream::fail(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  readable_.set();
  writable_.set();
  if (auto fn = std::exchange(on_failure_, nullptr)) fn();
}

void H2Stream::on_failure(std::function<void()> fn) {
  if (failure_) return fn();
  on_failure_ = std::move(fn);
}

Error H2Stream::gone() const {
  return failure_ ? *failure_ : Error{Code::Cancelled, Origin::Upstream, Retry::Never, "http/2: the stream has ended"};
}

Task<Result<http::ResponseHead>> H2Stream::head() {
  while (!head_) {
    if (failure_) co_return *failure_;
    co_await readable_.wait();
  }
  co_return std::move(*head_);
}

Task<Result<std::string>> H2Stream::read() {
  while (arrived_.empty()) {
    if (remote_end_) co_return std::string();
    if (failure_) co_return *failure_;
    co_await readable_.wait();
  }
  std::string out = std::move(arrived_.front());
  arrived_.pop_front();
  co_return out;
}

Task<Result<std::string>> H2Stream::read_all(std::size_t most) {
  std::string out;
  for (;;) {
    auto bytes = co_await read();
    if (!bytes.ok()) co_return std::move(bytes).error();
    if (bytes->empty()) co_return out;
    consume(bytes->size());
    if (out.size() + bytes->size() > most) {
      co_return Error{Code::ResourceExhausted, Origin::Client, Retry::Never,
                      "a body of over " + std::to_string(most) + " bytes: send it in parts"};
    }
    out += *bytes;
  }
}

void H2Stream::consume(std::size_t n) {
  if (!connection_ || failure_) return;
  connection_->session_.consume(id_, n);
  connection_->flush();
}

Result<void> H2Stream::respond(http::ResponseHead head, bool end) {
  if (!connection_ || failure_ || answered_ || !connection_->session_.respond(id_, head, end)) return gone();
  answered_ = true;
  local_end_ = end;
  connection_->flush();
  return {};
}

Task<Result<void>> H2Stream::write(std::string_view bytes) {
  if (!connection_ || failure_ || local_end_ || !connection_->session_.send(id_, bytes)) co_return gone();
  connection_->flush();
  while (!failure_ && connection_ && buffered() >= http::H2Session::kSendBuffer) co_await writable_.wait();
  if (failure_) co_return *failure_;
  co_return Result<void>();
}

std::size_t H2Stream::buffered() const { return connection_ ? connection_->session_.buffered(id_) : 0; }

Result<void> H2Stream::end() {
  if (!connection_ || failure_ || local_end_ || !connection_->session_.end(id_)) return gone();
  local_end_ = true;
  connection_->flush();
  return {};
}

void H2Stream::reset(std::uint32_t code) {
  if (!connection_ || over()) return;
  connection_->session_.reset(id_, code);
  connection_->flush();
  fail({Code::Cancelled, Origin::Self, Retry::Never, "http/2: the stream was reset on this side"});
}

H2Connection::H2Connection(Env& env, std::unique_ptr<Stream> stream, http::H2Role role, ServeStream serve,
                           H2Options options)
    : env_(env),
      stream_(std::move(stream)),
      binding_(std::make_shared<const Binding>(Binding{stream_->peer(), env.now()})),
      session_(role),
      serve_(std::move(serve)),
      options_(options),
      output_(env.executor()),
      loops_(env.executor()),
      serving_(env.executor()) {}

H2Connection::~H2Connection() {
  serving_.cancel();
  loops_.cancel();
  lose(unavailable("http/2: the connection was dropped"));
  for (auto& [id, stream] : streams_) stream->connection_ = nullptr;
}

Task<void> H2Connection::run() {
  loops_.spawn(write_loop());
  if (options_.ping_every > Duration(0)) loops_.spawn(ping_loop());
  flush();
  std::string piece(kReadPiece, '\0');
  while (!closed_) {
    auto got = co_await read_some(env_, *stream_, piece);
    if (closed_) break;
    if (!got.ok() || *got == 0) {
      lose(unavailable(got.ok() ? "http/2: the peer closed the connection"
                                : "http/2: the connection broke: " + got.error().message));
      break;
    }
    const auto received = session_.receive(std::string_view(piece).substr(0, *got));
    dispatch();
    if (!received.ok()) {
      // Say why (GOAWAY) if the socket takes it now; then it is over.
      std::string_view last = writing_ ? std::string_view() : session_.pending_output();
      if (!last.empty()) (void)stream_->try_write(std::span<const std::string_view>(&last, 1)).ok();
      lose(received.error());
      break;
    }
    flush();
  }
  stream_->close();
  loops_.cancel();
  co_await serving_.join();
}

Task<void> H2Connection::write_loop() {
  for (;;) {
    co_await output_.wait();
    for (;;) {
      const auto out = session_.pending_output();
      dispatch();  // sending makes events too: writable, closed
      if (out.empty()) break;
      const std::size_t size = out.size();
      writing_ = true;
      auto sent = co_await write_all(env_, *stream_, out);
      writing_ = false;
      if (!sent.ok()) {
        lose(unavailable("http/2: the connection broke: " + sent.error().message));
        co_return;
      }
      session_.consume_output(size);
    }
    if (session_.finished()) {
      lose(unavailable("http/2: the connection has ended by goaway"));
      co_return;
    }
  }
}

Task<void> H2Connection::ping_loop() {
  for (;;) {
    co_await env_.sleep_for(options_.ping_every);
    const auto answer = co_await ping(options_.ping_within);
    if (!answer.ok()) {
      lose(unavailable("http/2: the peer did not answer a ping in time; the connection counts as lost"));
      co_return;
    }
  }
}

Task<void> H2Connection::serve_one(std::shared_ptr<H2Stream> stream) { co_await serve_(std::move(stream)); }

void H2Connection::dispatch() {
  while (auto event = session_.next_event()) {
    std::visit([this](auto&& e) { take(std::forward<decltype(e)>(e)); }, std::move(*event));
  }
}

H2Stream* H2Connection::find(http::StreamId id) const {
  const auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : at->second;
}

void H2Connection::take(http::H2RequestHead&& event) {
  if (!serve_ || closed_) return session_.reset(event.stream, http::kH2RefusedStream);
  auto stream = std::make_shared<H2Stream>(env_, *this, event.stream);
  stream->request_ = std::move(event.head);
  serving_.spawn(serve_one(std::move(stream)));
}

void H2Connection::take(http::H2ResponseHead&& event) {
  if (H2Stream* stream = find(event.stream)) {
    stream->head_ = std::move(event.head);
    stream->readable_.set();
  }
}

void H2Connection::take(http::H2Bytes&& event) {
  H2Stream* stream = find(event.stream);
  if (!stream || stream->failure_)
    return session_.consume(event.stream, event.bytes.size());  // nobody reads it any more
  stream->arrived_.push_back(std::move(event.bytes));
  stream->readable_.set();
}

void H2Connection::take(const http::H2End& event) {
  H2Stream* stream = find(event.stream);
  if (!stream) return;
  stream->remote_end_ = true;
  stream->readable_.set();
  if (!serve_ && !stream->local_end_) {  // the answer is complete: there is nothing more to ask
    stream->local_end_ = true;
    session_.end(event.stream);
    stream->writable_.set();
  }
}

void H2Connection::take(const http::H2Reset& event) {
  H2Stream* stream = find(event.stream);
  if (stream && !stream->over()) stream->fail(reset_error(event.code));
}

void H2Connection::take(const http::H2Goaway&) { draining_ = true; }

void H2Connection::take(const http::H2PingAck& event) {
  std::uint64_t number = 0;
  std::memcpy(&number, event.payload.data(), sizeof number);
  const auto at = pings_.find(number);
  if (at == pings_.end()) return;
  at->second->answered = true;
  at->second->done.set();
}

void H2Connection::take(const http::H2Writable& event) {
  if (H2Stream* stream = find(event.stream)) stream->writable_.set();
}

Result<std::shared_ptr<H2Stream>> H2Connection::open(http::RequestHead head, bool end) {
  if (closed_) return unavailable("http/2: the connection has ended");
  AIGRID_TRY(const auto id, session_.open(head, end));
  auto stream = std::make_shared<H2Stream>(env_, *this, id);
  stream->request_ = std::move(head);
  stream->local_end_ = end;
  flush();
  return stream;
}

Task<Result<Duration>> H2Connection::ping(Duration within) {
  if (closed_) co_return unavailable("http/2: the connection has ended");
  Ping ping(env_.executor());
  const std::uint64_t number = next_ping_++;
  // Unregisters however this frame ends.
  struct Entry {
    std::map<std::uint64_t, Ping*>& pings;
    std::uint64_t number;
    ~Entry() { pings.erase(number); }
  } entry{pings_, number};
  pings_[number] = &ping;
  http::PingPayload payload{};
  std::memcpy(payload.data(), &number, sizeof number);
  const Time start = env_.now();
  session_.ping(payload);
  flush();
  auto timer = env_.timer([&ping] { ping.done.set(); });
  timer->arm(start + within);
  co_await ping.done.wait();
  if (ping.answered) co_return env_.now() - start;
  if (closed_) co_return unavailable("http/2: the connection was lost");
  co_return Error{Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere, "http/2: no answer to a ping in time"};
}

void H2Connection::goaway() {
  session_.goaway();
  flush();
}

void H2Connection::close() {
  lose({Code::Cancelled, Origin::Self, Retry::Elsewhere, "http/2: the connection was closed on this side"});
}

void H2Connection::on_closed(std::function<void()> fn) {
  if (closed_) return fn();
  on_closed_ = std::move(fn);
}

void H2Connection::lose(Error error) {
  if (closed_) return;
  closed_ = true;
  stream_->close();  // wakes run()
  for (auto& [id, stream] : streams_) {
    if (!stream->over()) stream->fail(error);
  }
  for (auto& [number, ping] : pings_) ping->done.set();
  if (auto fn = std::exchange(on_closed_, nullptr)) fn();
}

}  // namespace aigrid::io
