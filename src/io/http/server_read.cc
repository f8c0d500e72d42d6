#include <algorithm>

#include "format/http/h1_writer.h"
#include "io/http/server_connection.h"

namespace aigrid::io {

using http::H1Event;

namespace {

constexpr std::size_t kInputBound = 64 * 1024;    // read ahead of the parser
constexpr std::size_t kDiscard = 256 * 1024;      // of an unread body, to keep the connection
constexpr std::size_t kBodyProgress = 16 * 1024;  // see ServerLimits::body_piece

}  // namespace

void ServerConnection::set_gone() {
  gone_ = true;
  arrived_.set();
  if (auto fn = std::exchange(on_gone_, nullptr)) fn();
}

Task<void> ServerConnection::pump() {
  std::string piece(kServerPiece, '\0');
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
std::optional<H1Event> ServerConnection::parse() {
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

Task<ServerConnection::HeadResult> ServerConnection::read_head(bool first) {
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

Task<Result<std::string>> ServerConnection::read() {
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

Task<Result<std::string>> ServerConnection::read_body(std::size_t limit) {
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
  failed_reason_ = "the body is over the limit of " + std::to_string(limit) + " bytes: send less at once";
  co_return client_error(Code::ResourceExhausted, failed_reason_);
}
Task<bool> ServerConnection::discard_body() {
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

}  // namespace aigrid::io
