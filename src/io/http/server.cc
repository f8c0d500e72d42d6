#include "io/http/server.h"

#include <algorithm>

#include "format/http/h1_writer.h"

namespace aigrid::io {
namespace {

using http::H1Event;
using http::H1Parser;

constexpr std::size_t kReadPiece = 16 * 1024;
constexpr std::size_t kInputBound = 64 * 1024;    // read ahead of the parser
constexpr std::size_t kDiscard = 256 * 1024;      // of an unread body, to keep the connection
constexpr std::size_t kBodyProgress = 16 * 1024;  // see ServerLimits::body_piece

Error client_error(Code code, std::string message) { return {code, Origin::Client, Retry::Never, std::move(message)}; }

class Connection final : public Exchange {
 public:
  Connection(Env& env, std::unique_ptr<Stream> stream, const ServerLimits& limits)
      : env_(env),
        stream_(std::move(stream)),
        limits_(limits),
        parser_(http::H1Role::Server, limits.parse),
        arrived_(env.executor()),
        room_(env.executor()),
        read_timer_(env.timer([this] {
          late_ = true;
          arrived_.set();
        })),
        write_timer_(env.timer([this] {
          stalled_ = true;
          stream_->close();
        })),
        pump_(env.executor()) {}

  Task<void> run(ServeFn serve);

  const http::RequestHead& head() const override { return request_; }
  const Peer& peer() const override { return stream_->peer(); }
  Task<Result<std::string>> read_body(std::size_t limit) override;
  Task<Result<std::string>> read() override;
  Task<Result<void>> respond(int status, http::Headers headers, std::string body) override;
  Task<Result<void>> start(int status, http::Headers headers) override;
  Task<Result<void>> write(std::string_view bytes) override;
  Task<Result<void>> finish() override;
  bool started() const override { return started_; }
  bool client_gone() const override { return gone_; }
  void on_client_gone(std::function<void()> fn) override {
    if (!gone_) {
      on_gone_ = std::move(fn);
    } else if (fn) {
      fn();
    }
  }
  void abort() override {
    aborted_ = true;
    stream_->close();
  }

 private:
  enum class HeadResult { Ready, Closed, Refused };

  Task<void> pump();
  Task<HeadResult> read_head(bool first);
  Task<bool> serve_one(const ServeFn& serve);
  Task<void> answer_error(int status, std::string message);
  Task<bool> discard_body();
  Task<void> linger();
  Task<Result<void>> send(std::vector<std::string_view> pieces);
  http::ResponseHead prepare(int status, http::Headers headers);
  bool bodiless(int status) const { return request_.method == "HEAD" || status == 204 || status == 304; }
  std::optional<H1Event> parse();
  void set_gone();

  Env& env_;
  std::unique_ptr<Stream> stream_;
  const ServerLimits& limits_;
  H1Parser parser_;
  std::string input_;
  std::size_t input_at_ = 0;
  Event arrived_;  // bytes, the end, or the read timer
  Event room_;
  std::unique_ptr<Timer> read_timer_;
  std::unique_ptr<Timer> write_timer_;
  std::function<void()> on_gone_;
  bool gone_ = false;
  bool late_ = false;
  bool stalled_ = false;
  bool aborted_ = false;
  bool closing_ = false;  // input is thrown away
  // Of the exchange under way.
  http::RequestHead request_;
  H1Event refusal_;  // why the head was refused
  bool started_ = false;
  bool finished_ = false;
  bool chunked_ = false;
  bool body_done_ = false;
  bool continue_due_ = false;
  bool keep_alive_ = true;
  int failed_status_ = 0;  // what to answer if the ServeFn answers nothing
  std::string failed_reason_;
  TaskGroup pump_;  // last: its task uses everything above
};

void Connection::set_gone() {
  gone_ = true;
  arrived_.set();
  if (auto fn = std::exchange(on_gone_, nullptr)) fn();
}

Task<void> Connection::pump() {
  std::string piece(kReadPiece, '\0');
  for (;;) {
    const auto got = co_await read_some(env_, *stream_, piece);
    if (!got.ok() || *got == 0) break;
    if (!closing_) input_.append(piece, 0, *got);
    arrived_.set();
    while (input_.size() - input_at_ >= kInputBound) co_await room_.wait();
  }
  set_gone();
}

// The next event that can be had from what has arrived.
std::optional<H1Event> Connection::parse() {
  if (input_at_ >= kInputBound) {  // views into what is dropped are dead by now
    input_.erase(0, input_at_);
    input_at_ = 0;
  }
  for (;;) {
    if (auto event = parser_.next()) return event;
    if (input_at_ == input_.size()) {
      input_.clear();
      input_at_ = 0;
      room_.set();
      return std::nullopt;
    }
    const auto used = parser_.feed(std::string_view(input_).substr(input_at_));
    input_at_ += used;
    if (used == 0) return std::nullopt;  // a whole message; the rest is pipelined
    if (input_at_ > kInputBound / 2 && !parser_.done()) room_.set();
  }
}

Task<Connection::HeadResult> Connection::read_head(bool first) {
  const Time start = env_.now();
  bool begun = false;
  late_ = false;
  read_timer_->arm(start + (first ? limits_.head : limits_.idle));
  for (;;) {
    if (auto event = parse()) {
      read_timer_->cancel();
      if (event->kind == H1Event::Kind::Head) co_return HeadResult::Ready;
      refusal_ = std::move(*event);
      co_return HeadResult::Refused;
    }
    if (!begun && !parser_.idle()) {
      begun = true;
      read_timer_->arm(env_.now() + limits_.head);
    }
    if (gone_) co_return HeadResult::Closed;
    if (late_) {
      if (!begun) co_return HeadResult::Closed;
      refusal_.status = 408;
      refusal_.reason = "the request head did not arrive in time";
      co_return HeadResult::Refused;
    }
    co_await arrived_.wait();
  }
}

Task<Result<std::string>> Connection::read() {
  if (body_done_) co_return std::string();
  if (continue_due_ && !started_) {
    continue_due_ = false;
    std::vector<std::string_view> pieces{http::kContinue};
    AIGRID_CO_CHECK_OK(co_await send(std::move(pieces)));
  }
  std::string out;
  late_ = false;
  read_timer_->arm(env_.now() + limits_.body_piece);
  for (;;) {
    while (auto event = parse()) {
      if (event->kind == H1Event::Kind::Body) {
        out.append(event->body);
        if (out.size() >= kBodyProgress) break;
      } else if (event->kind == H1Event::Kind::End) {
        body_done_ = true;
        break;
      } else {
        failed_status_ = event->status;
        failed_reason_ = event->reason;
        read_timer_->cancel();
        co_return client_error(event->status == 413 ? Code::ResourceExhausted : Code::InvalidArgument, event->reason);
      }
    }
    if (body_done_ || out.size() >= kBodyProgress) break;
    if (gone_) {
      read_timer_->cancel();
      co_return client_error(Code::Unavailable, "the client closed the connection in the middle of its body");
    }
    if (late_) {
      failed_status_ = 408;
      failed_reason_ = "the request body arrives too slowly";
      co_return client_error(Code::DeadlineExceeded, failed_reason_);
    }
    co_await arrived_.wait();
  }
  read_timer_->cancel();
  co_return out;
}

Task<Result<std::string>> Connection::read_body(std::size_t limit) {
  std::string out;
  const auto length = parser_.framing().length;
  bool over = length && *length > limit;
  while (!over) {
    AIGRID_CO_TRY(std::string piece, co_await read());
    if (piece.empty()) co_return out;
    over = out.size() + piece.size() > limit;
    if (!over) out.append(piece);
    if (!over && body_done_) co_return out;
  }
  failed_status_ = 413;
  failed_reason_ = "request body over the limit of " + std::to_string(limit) + " bytes";
  co_return client_error(Code::ResourceExhausted, failed_reason_);
}

Task<Result<void>> Connection::send(std::vector<std::string_view> pieces) {
  // The common case needs no timer: the socket takes all at once.
  std::span<std::string_view> left(pieces);
  while (!left.empty()) {
    if (left.front().empty()) {
      left = left.subspan(1);
      continue;
    }
    auto taken = stream_->try_write(left);
    if (!taken.ok()) {
      if (taken.error().code == Code::WouldBlock) break;
      co_return client_error(Code::Unavailable, "the client is gone: " + taken.error().message);
    }
    std::size_t n = *taken;
    while (!left.empty() && n >= left.front().size()) {
      n -= left.front().size();
      left = left.subspan(1);
    }
    if (n != 0) left.front().remove_prefix(n);
  }
  // Piece by piece, so that every 16 KiB the client takes buys it the full time again.
  for (auto piece : left) {
    while (!piece.empty()) {
      write_timer_->arm(env_.now() + limits_.write_stall);
      const auto some = piece.substr(0, kReadPiece);
      const auto sent = co_await write_all(env_, *stream_, some);
      write_timer_->cancel();
      if (stalled_) co_return client_error(Code::DeadlineExceeded, "the client takes no bytes of its answer");
      if (!sent.ok()) co_return client_error(Code::Unavailable, "the client is gone: " + sent.error().message);
      piece.remove_prefix(some.size());
    }
  }
  co_return Result<void>();
}

http::ResponseHead Connection::prepare(int status, http::Headers headers) {
  for (const auto* name : {"transfer-encoding", "connection", "keep-alive", "upgrade"}) headers.remove(name);
  // An unread body makes the next request unreachable unless it is small; then discard_body() takes it.
  if (continue_due_ || failed_status_ != 0) keep_alive_ = false;
  started_ = true;
  if (!keep_alive_) {
    headers.set("connection", "close");
  } else if (parser_.framing().minor == 0) {
    headers.set("connection", "keep-alive");
  }
  http::ResponseHead out{status, std::move(headers)};
  return out;
}

Task<Result<void>> Connection::respond(int status, http::Headers headers, std::string body) {
  if (started_) co_return internal("an answer was started already");
  auto head = prepare(status, std::move(headers));
  if (status == 204 || status < 200) {
    head.headers.remove("content-length");
  } else if (request_.method != "HEAD" || !body.empty()) {
    if (status != 304) head.headers.set("content-length", std::to_string(body.size()));
  }
  const std::string text = http::write_response_head(head);
  std::vector<std::string_view> pieces{text};
  if (!bodiless(status)) pieces.push_back(body);
  auto sent = co_await send(std::move(pieces));
  finished_ = sent.ok();
  co_return sent;
}

Task<Result<void>> Connection::start(int status, http::Headers headers) {
  if (started_) co_return internal("an answer was started already");
  headers.remove("content-length");
  chunked_ = parser_.framing().minor == 1 && !bodiless(status);
  if (parser_.framing().minor == 0) keep_alive_ = false;
  auto head = prepare(status, std::move(headers));
  if (chunked_) head.headers.set("transfer-encoding", "chunked");
  const std::string text = http::write_response_head(head);
  std::vector<std::string_view> pieces{text};
  co_return co_await send(std::move(pieces));
}

Task<Result<void>> Connection::write(std::string_view bytes) {
  if (!started_ || finished_) co_return internal("write outside of start and finish");
  if (bytes.empty() || request_.method == "HEAD") co_return Result<void>();
  if (!chunked_) {
    std::vector<std::string_view> pieces{bytes};
    co_return co_await send(std::move(pieces));
  }
  const std::string prefix = http::chunk_prefix(bytes.size());
  std::vector<std::string_view> pieces{prefix, bytes, http::kChunkEnd};
  co_return co_await send(std::move(pieces));
}

Task<Result<void>> Connection::finish() {
  if (!started_ || finished_) co_return internal("finish without start");
  if (chunked_) {
    std::vector<std::string_view> pieces{http::kLastChunk};
    AIGRID_CO_CHECK_OK(co_await send(std::move(pieces)));
  }
  finished_ = true;
  co_return Result<void>();
}

Task<void> Connection::answer_error(int status, std::string message) {
  keep_alive_ = false;
  http::Headers headers{{"content-type", "application/json"}};
  std::string body =
      limits_.error_body ? limits_.error_body(status, message, headers) : default_error_body(status, message);
  const auto sent = co_await respond(status, std::move(headers), std::move(body));
  (void)sent.ok();  // the connection ends either way
}

Task<bool> Connection::discard_body() {
  std::size_t seen = 0;
  while (!body_done_) {
    if (continue_due_) co_return false;
    const auto piece = co_await read();
    if (!piece.ok()) co_return false;
    seen += piece->size();
    if (seen > kDiscard) co_return false;
  }
  co_return true;
}

// True if the connection can serve another request.
Task<bool> Connection::serve_one(const ServeFn& serve) {
  request_ = parser_.take_request();
  started_ = finished_ = chunked_ = body_done_ = false;
  failed_status_ = 0;
  continue_due_ = parser_.framing().expect_continue;
  keep_alive_ = keep_alive_ && parser_.framing().keep_alive;
  if (parser_.done()) {  // End is waiting: no body
    body_done_ = true;
    continue_due_ = false;
    (void)parser_.next();
  }
  co_await serve(*this);
  on_gone_ = nullptr;
  if (aborted_) co_return false;
  if (!started_) {
    if (failed_status_ != 0) {
      co_await answer_error(failed_status_, failed_reason_);
    } else {
      co_await answer_error(500, "the request was not answered");
    }
    co_return false;
  }
  if (!finished_) {
    abort();
    co_return false;
  }
  if (!keep_alive_ || gone_ || failed_status_ != 0) co_return false;
  const bool clean = co_await discard_body();
  if (clean) parser_.restart();
  co_return clean;
}

// Closing with unread input makes the kernel send RST, which can destroy the answer on its way: say that we are done,
// then read on for a moment.
Task<void> Connection::linger() {
  closing_ = true;
  input_.clear();
  input_at_ = 0;
  room_.set();
  stream_->shutdown_write();
  late_ = false;
  read_timer_->arm(env_.now() + 1s);
  while (!gone_ && !late_) co_await arrived_.wait();
}

Task<void> Connection::run(ServeFn serve) {
  pump_.spawn(pump());
  for (std::size_t n = 0;; ++n) {
    const auto head = co_await read_head(n == 0);
    if (head == HeadResult::Closed) break;
    if (head == HeadResult::Refused) {
      request_ = {};
      started_ = false;
      co_await answer_error(refusal_.status, refusal_.reason);
      break;
    }
    if (n + 1 >= limits_.requests) keep_alive_ = false;
    const bool again = co_await serve_one(serve);
    if (!again) break;
  }
  if (!gone_ && !aborted_ && !stalled_) co_await linger();
}

Task<void> accept_one(Env& env, std::unique_ptr<Stream> stream, const ServerLimits& limits, ServeFn serve,
                      WrapFn wrap) {
  if (wrap) {
    auto wrapped = co_await wrap(std::move(stream));
    if (!wrapped.ok()) {
      env.log().write(Level::Debug, "connection_refused", {{"reason", wrapped.error().message}});
      co_return;
    }
    stream = std::move(*wrapped);
  }
  co_await serve_http1(env, std::move(stream), limits, std::move(serve));
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20) {
      out.append("\\u00").append({kHex[byte >> 4U], kHex[byte & 15U]});
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

std::string default_error_body(int status, std::string_view message) {
  std::string code = http::lower(http::reason_phrase(status));
  std::replace(code.begin(), code.end(), ' ', '_');
  std::string out = R"({"error":{"message":")";
  append_json_text(out, message);
  out.append(R"(","type":")").append(status < 500 ? "invalid_request_error" : "server_error");
  out.append(R"(","param":null,"code":")").append(code).append("\"}}");
  return out;
}

Task<void> serve_http1(Env& env, std::unique_ptr<Stream> stream, const ServerLimits& limits, ServeFn serve) {
  Connection connection(env, std::move(stream), limits);
  co_await connection.run(std::move(serve));
}

Task<void> serve_listener(Env& env, Listener& listener, TaskGroup& connections, const ServerLimits& limits,
                          ServeFn serve, WrapFn wrap) {
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream.ok()) {
      const auto code = stream.error().code;
      if (code == Code::Cancelled) co_return;
      env.log().warn("accept_failed", {{"address", listener.address()}, {"reason", stream.error().message}});
      // Out of descriptors: those in use must end first. Anything else concerned one connection only.
      if (code == Code::ResourceExhausted) co_await env.sleep_for(50ms);
      continue;
    }
    if (connections.size() >= limits.connections) continue;  // dropping the stream closes it
    connections.spawn(accept_one(env, std::move(*stream), limits, serve, wrap));
  }
}

}  // namespace aigrid::io
