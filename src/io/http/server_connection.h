// ServerConnection: one HTTP/1.1 connection being served: requests one after the other, each an Exchange. Private to
// io/http. One worker; it lives as long as run(). Its input is read ahead, bounded, so that a client that goes is
// noticed while its request runs.
#pragma once

#include "format/http/h1.h"
#include "io/http/server.h"

namespace aigrid::io {

inline constexpr std::size_t kServerPiece = 16 * 1024;  // read or written at once
inline Error client_error(Code code, std::string message) {
  return {code, Origin::Client, Retry::Never, std::move(message)};
}

class ServerConnection final : public Exchange {
 public:
  ServerConnection(Env& env, std::unique_ptr<Stream> stream, const ServerLimits& limits)
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
  std::optional<http::H1Event> parse();
  void set_gone();

  Env& env_;
  std::unique_ptr<Stream> stream_;
  const ServerLimits& limits_;
  http::H1Parser parser_;
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
  http::H1Event refusal_;  // why the head was refused
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

}  // namespace aigrid::io
