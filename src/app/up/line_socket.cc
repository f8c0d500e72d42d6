#include "app/up/line_socket.h"

#include <array>
#include <utility>

namespace aigrid::up {

namespace {

io::Task<Result<std::string>> read_line(io::Env& env, io::Stream& stream, std::string& rest) {
  for (;;) {
    if (const auto end = rest.find('\n'); end != std::string::npos) {
      std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      co_return line;
    }
    if (rest.size() > kMaxLine) co_return invalid("a line of over 4096 bytes");
    std::array<char, kMaxLine> buffer{};
    auto got = co_await io::read_some(env, stream, buffer);
    if (!got.ok()) co_return std::move(got).error();
    if (*got == 0) co_return unavailable("it closed the connection");
    rest.append(buffer.data(), *got);
  }
}

io::Task<void> serve_one(io::Env& env, std::unique_ptr<io::Stream> stream, const AnswerLine& answer) {
  std::string rest;
  for (;;) {
    auto line = co_await read_line(env, *stream, rest);
    if (!line.ok()) co_return;
    const std::string reply = answer(*line) + "\n";
    auto sent = co_await io::write_all(env, *stream, reply);
    if (!sent.ok()) co_return;
  }
}

}  // namespace

io::Task<void> serve_lines(io::Env& env, std::unique_ptr<io::Listener> listener, AnswerLine answer) {
  io::TaskGroup connections(env.executor());
  for (;;) {
    auto stream = co_await listener->accept();
    if (!stream.ok()) co_return;
    connections.spawn(serve_one(env, std::move(*stream), answer));
  }
}

io::Task<Result<std::string>> ask_line(io::Env& env, io::Address at, std::string line, Duration within) {
  auto stream = co_await env.dial(at, within);
  if (!stream.ok()) co_return std::move(stream).error();
  auto late = env.timer([&stream] { (*stream)->close(); });
  late->arm(env.now() + within);
  line += '\n';
  auto sent = co_await io::write_all(env, **stream, line);
  if (!sent.ok()) co_return std::move(sent).error();
  std::string rest;
  auto reply = co_await read_line(env, **stream, rest);
  if (!reply.ok()) co_return unavailable("no answer from " + at + ": " + reply.error().message);
  if (reply->starts_with("ok")) co_return reply->substr(reply->size() > 3 ? 3 : reply->size());
  co_return invalid(reply->starts_with("error ") ? reply->substr(6) : *reply);
}

}  // namespace aigrid::up
