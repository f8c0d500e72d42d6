#include "io/http/server_connection.h"

#include <algorithm>

#include "format/http/h1_writer.h"

namespace aigrid::io {

Task<Result<void>> ServerConnection::send(std::vector<std::string_view> pieces) {
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
      const auto some = piece.substr(0, kServerPiece);
      const auto sent = co_await write_all(env_, *stream_, some);
      write_timer_->cancel();
      if (stalled_) co_return client_error(Code::DeadlineExceeded, "the client takes no bytes of its answer");
      if (!sent.ok()) co_return client_error(Code::Unavailable, "the client is gone: " + sent.error().message);
      piece.remove_prefix(some.size());
    }
  }
  co_return Result<void>();
}

http::ResponseHead ServerConnection::prepare(int status, http::Headers headers) {
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

Task<Result<void>> ServerConnection::respond(int status, http::Headers headers, std::string body) {
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

Task<Result<void>> ServerConnection::start(int status, http::Headers headers) {
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

Task<Result<void>> ServerConnection::write(std::string_view bytes) {
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

Task<Result<void>> ServerConnection::finish() {
  if (!started_ || finished_) co_return internal("finish without start");
  if (chunked_) {
    std::vector<std::string_view> pieces{http::kLastChunk};
    AIGRID_CO_CHECK_OK(co_await send(std::move(pieces)));
  }
  finished_ = true;
  co_return Result<void>();
}

Task<void> ServerConnection::answer_error(int status, std::string message) {
  keep_alive_ = false;
  http::Headers headers{{"content-type", "application/json"}};
  std::string body =
      limits_.error_body ? limits_.error_body(status, message, headers) : default_error_body(status, message);
  const auto sent = co_await respond(status, std::move(headers), std::move(body));
  (void)sent.ok();  // the connection ends either way
}
// True if the connection can serve another request.
Task<bool> ServerConnection::serve_one(const ServeFn& serve) {
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
Task<void> ServerConnection::linger() {
  closing_ = true;
  input_.clear();
  input_at_ = 0;
  room_.set();
  stream_->shutdown_write();
  late_ = false;
  read_timer_->arm(env_.now() + 1s);
  while (!gone_ && !late_) co_await arrived_.wait();
}

Task<void> ServerConnection::run(ServeFn serve) {
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

}  // namespace aigrid::io
