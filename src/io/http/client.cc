#include "io/http/client.h"

#include <array>

#include "format/http/h1_writer.h"

namespace aigrid::io {
namespace detail {

using http::H1Event;

namespace {

constexpr std::size_t kReadPiece = 16 * 1024;

http::H1Limits answer_limits() {
  http::H1Limits limits;
  limits.body_bytes = 1ULL << 50U;  // the reader bounds what it keeps
  return limits;
}

}  // namespace

class ClientConnection {
 public:
  ClientConnection(Env& env, std::unique_ptr<Stream> stream)
      : env_(env),
        stream_(std::move(stream)),
        parser_(http::H1Role::Client, answer_limits()),
        timer_(env.timer([this] {
          late_ = true;
          stream_->close();
        })),
        piece_(kReadPiece, '\0'),
        sending_(env.executor()) {}

  // Sends the request and reads the head of its answer.
  Task<Result<http::ResponseHead>> exchange(http::RequestHead head, std::string body, ClientTimes times) {
    times_ = times;
    out_ = std::move(body);
    if (!out_.empty() || head.method == "POST" || head.method == "PUT" || head.method == "PATCH")
      head.headers.set("content-length", std::to_string(out_.size()));
    out_.insert(0, http::write_request_head(head));
    parser_.restart();
    if (head.method == "HEAD") parser_.expect_no_body();
    timer_->arm(env_.now() + times.head);
    sending_.spawn(send());  // beside the reading: an answer may come before the whole request is taken
    auto event = co_await next_event();
    timer_->cancel();
    if (!event.ok()) {
      if (event.error().code == Code::DataLoss && cut_)
        co_return unavailable("the server closed the connection before its answer began");
      co_return std::move(event).error();
    }
    co_return parser_.take_response();
  }

  Task<Result<std::string>> read() {
    if (ended_) co_return std::string();
    if (times_.piece > Duration(0)) timer_->arm(env_.now() + times_.piece);
    auto event = co_await next_event();
    timer_->cancel();
    if (!event.ok()) co_return std::move(event).error();
    if (event->kind == H1Event::Kind::End) {
      ended_ = true;
      co_return std::string();
    }
    co_return std::string(event->body);
  }

  void close() {
    closed_ = true;
    stream_->close();
  }

  // May carry another exchange.
  bool reusable() const { return ended_ && !closed_ && sent_ && parser_.framing().keep_alive && at_ == input_.size(); }
  // Has the server left the idle connection as it was? Readies for the next exchange.
  bool still_idle() {
    std::array<char, 1> probe{};
    const auto got = stream_->try_read(probe);
    ended_ = sent_ = false;
    return !got.ok() && got.error().code == Code::WouldBlock;
  }

 private:
  Task<void> send() {
    const auto sent = co_await write_all(env_, *stream_, out_);
    sent_ = sent.ok();  // a failure shows at the reading end, after what the server said before it
    out_.clear();
  }

  // Head, Body or End; parser errors and closed connections are Errors.
  Task<Result<H1Event>> next_event() {
    for (;;) {
      if (auto event = parser_.next()) {
        if (event->kind == H1Event::Kind::Error)
          co_return Error{Code::DataLoss, Origin::Upstream, Retry::Elsewhere, "answer of the server: " + event->reason};
        co_return std::move(*event);
      }
      if (at_ < input_.size()) {
        const auto used = parser_.feed(input_.substr(at_));
        at_ += used;
        if (used != 0) continue;
      }
      auto got = co_await read_some(env_, *stream_, piece_);
      if (late_)
        co_return Error{Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere,
                        "the server did not answer in time"};
      if (closed_) co_return Error{Code::Cancelled, Origin::Self, Retry::Never, "the exchange was closed on this side"};
      cut_ = !got.ok() || *got == 0;
      if (!got.ok()) {
        co_return Error{Code::DataLoss, Origin::Upstream, Retry::Elsewhere,
                        "the connection to the server broke: " + got.error().message};
      }
      if (*got == 0) parser_.feed_end();
      input_ = std::string_view(piece_).substr(0, *got);
      at_ = 0;
      if (*got == 0 && !parser_.failed() && !parser_.done())
        co_return Error{Code::DataLoss, Origin::Upstream, Retry::Elsewhere, "the server closed the connection"};
    }
  }

  Env& env_;
  std::unique_ptr<Stream> stream_;
  http::H1Parser parser_;
  std::unique_ptr<Timer> timer_;
  ClientTimes times_;
  std::string piece_;
  std::string_view input_;  // of piece_, from at_ on not parsed yet
  std::size_t at_ = 0;
  std::string out_;
  bool late_ = false;
  bool closed_ = false;
  bool ended_ = false;
  bool sent_ = false;
  bool cut_ = false;   // the server closed or reset
  TaskGroup sending_;  // last: its task uses the stream
};

}  // namespace detail

using detail::ClientConnection;

ClientResponse::ClientResponse(std::unique_ptr<ClientConnection> connection) : connection_(std::move(connection)) {}
ClientResponse::ClientResponse(ClientResponse&&) noexcept = default;
ClientResponse& ClientResponse::operator=(ClientResponse&&) noexcept = default;
ClientResponse::~ClientResponse() = default;

Task<Result<std::string>> ClientResponse::read() { return connection_->read(); }
void ClientResponse::close() { connection_->close(); }

namespace {

Task<Result<std::string>> drain(ClientConnection& connection, std::size_t limit) {
  std::string out;
  for (;;) {
    AIGRID_CO_TRY(std::string piece, co_await connection.read());
    if (piece.empty()) co_return out;
    if (out.size() + piece.size() > limit) {
      connection.close();
      co_return Error{Code::ResourceExhausted, Origin::Upstream, Retry::Never,
                      "answer of the server is over the limit of " + std::to_string(limit) + " bytes"};
    }
    out.append(piece);
  }
}

}  // namespace

Task<Result<std::string>> ClientResponse::read_all(std::size_t limit) { return drain(*connection_, limit); }

Task<Result<ClientResponse>> http1_request_on(Env& env, std::unique_ptr<Stream> stream, http::RequestHead head,
                                              std::string body, ClientTimes times) {
  if (!head.headers.has("connection")) head.headers.add("connection", "close");
  if (!head.headers.has("host")) head.headers.add("host", stream->peer().address);
  auto connection = std::make_unique<ClientConnection>(env, std::move(stream));
  AIGRID_CO_TRY(auto answer, co_await connection->exchange(std::move(head), std::move(body), times));
  ClientResponse out(std::move(connection));
  out.head = std::move(answer);
  co_return std::move(out);
}

Task<Result<ClientResponse>> http1_request(Env& env, Address to, http::RequestHead head, std::string body,
                                           ClientTimes times) {
  if (!head.headers.has("host")) head.headers.add("host", to.starts_with("unix:") ? "localhost" : to);
  AIGRID_CO_TRY(auto stream, co_await env.dial(std::move(to), times.connect));
  co_return co_await http1_request_on(env, std::move(stream), std::move(head), std::move(body), times);
}

Http1Pool::Http1Pool(Env& env) : Http1Pool(env, Limits{}) {}
Http1Pool::Http1Pool(Env& env, Limits limits) : env_(env), limits_(limits) {}
Http1Pool::~Http1Pool() = default;

std::size_t Http1Pool::kept() const {
  std::size_t n = 0;
  for (const auto& [address, list] : kept_) n += list.size();
  return n;
}

std::unique_ptr<ClientConnection> Http1Pool::take(const Address& to) {
  const auto at = kept_.find(to);
  if (at == kept_.end()) return nullptr;
  while (!at->second.empty()) {
    Kept kept = std::move(at->second.back());
    at->second.pop_back();
    if (env_.now() - kept.since < limits_.kept_for && kept.connection->still_idle()) return std::move(kept.connection);
  }
  kept_.erase(at);
  return nullptr;
}

void Http1Pool::keep(const Address& to, std::unique_ptr<ClientConnection> connection) {
  auto& list = kept_[to];
  if (list.size() >= limits_.kept_per_address) list.erase(list.begin());
  list.push_back({std::move(connection), env_.now()});
}

Task<Result<WholeResponse>> Http1Pool::exchange(Address to, std::unique_ptr<ClientConnection> connection,
                                                http::RequestHead head, std::string body, ClientTimes times) {
  WholeResponse out;
  AIGRID_CO_TRY(out.head, co_await connection->exchange(std::move(head), std::move(body), times));
  AIGRID_CO_TRY(out.body, co_await drain(*connection, limits_.body_bytes));
  if (connection->reusable()) keep(to, std::move(connection));
  co_return std::move(out);
}

Task<Result<WholeResponse>> Http1Pool::request(Address to, http::RequestHead head, std::string body,
                                               ClientTimes times) {
  if (!head.headers.has("host")) head.headers.add("host", to.starts_with("unix:") ? "localhost" : to);
  if (auto connection = take(to)) {
    const std::string& m = head.method;
    const bool again = m == "GET" || m == "HEAD" || m == "PUT" || m == "DELETE" || m == "OPTIONS";
    auto answer = co_await exchange(to, std::move(connection), head, body, times);
    // Unavailable: closed before the answer began, which a kept connection does when the server has just let it go.
    if (answer.ok() || !again || answer.error().code != Code::Unavailable) co_return answer;
  }
  AIGRID_CO_TRY(auto stream, co_await env_.dial(to, times.connect));
  auto fresh = std::make_unique<ClientConnection>(env_, std::move(stream));
  co_return co_await exchange(std::move(to), std::move(fresh), std::move(head), std::move(body), times);
}

}  // namespace aigrid::io
