#include "app/up/relay.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "app/up/ports.h"

namespace aigrid::up {

namespace {

constexpr double kLongestMs = 60'000;

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto start = text.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) break;
    const auto end = std::min(text.find_first_of(" \t\r", start), text.size());
    out.push_back(text.substr(start, end - start));
    text.remove_prefix(end);
  }
  return out;
}

Result<Duration> parse_ms(std::string_view word, std::string_view what) {
  double ms = -1;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), ms);
  if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size() || !(ms >= 0) || ms > kLongestMs) {
    return invalid(fmt::format("{} \"{}\" is not a number of milliseconds from 0 to {}", what, word, kLongestMs));
  }
  return from_ms_f(ms);
}

}  // namespace

Result<PathDelay> parse_delay(std::string_view text) {
  const auto words = words_of(text);
  if (words.size() != 1 && !(words.size() == 3 && words[1] == "jitter")) {
    return invalid(fmt::format("\"delay {}\" is not a delay: write delay MS, or delay MS jitter MS", text));
  }
  PathDelay out;
  AIGRID_TRY(out.delay, parse_ms(words[0], "delay"));
  if (words.size() == 3) {
    AIGRID_TRY(out.jitter, parse_ms(words[2], "jitter"));
  }
  return out;
}

struct Relay::Direction {
  Direction(io::Env& env, std::size_t room, io::Stream& f, io::Stream& t)
      : queue(room), from(f), to(t), filled(env.executor()), drained(env.executor()) {}
  DelayQueue queue;
  io::Stream& from;
  io::Stream& to;
  io::Event filled;
  io::Event drained;
};

struct Relay::Connection {
  explicit Connection(io::Env& env) : over(env.executor()), tasks(env.executor()) {}
  io::Event over;  // lost, or both directions have ended
  int ended = 0;
  io::TaskGroup tasks;
};

Relay::Relay(io::Env& env, RelayOptions options)
    : env_(env),
      options_(std::move(options)),
      felt_(options_.felt),
      random_(draw(env, ~std::uint64_t{0})),
      connections_(env.executor()),
      acceptor_(env.executor()) {}

Result<void> Relay::start() {
  if (listener_) return {};
  AIGRID_TRY(listener_, env_.listen(options_.listen, {}));
  options_.listen = listener_->address();
  acceptor_.spawn(accept());
  return {};
}

void Relay::end_all() {
  acceptor_.cancel();
  listener_.reset();
  connections_.cancel();
}

io::Task<void> Relay::accept() {
  for (;;) {
    auto stream = co_await listener_->accept();
    if (!stream.ok()) co_return;
    connections_.spawn(carry(std::move(*stream)));
  }
}

io::Task<void> Relay::carry(std::unique_ptr<io::Stream> from) {
  auto to = co_await env_.dial(options_.target, options_.limits.dial_within);
  if (!to.ok()) co_return;  // which closes `from`: as far as it can tell, its peer has gone
  Direction there(env_, options_.limits.room, *from, **to);
  Direction back(env_, options_.limits.room, **to, *from);
  Connection connection(env_);
  connection.tasks.spawn(take_in(connection, there));
  connection.tasks.spawn(give_out(connection, there));
  connection.tasks.spawn(take_in(connection, back));
  connection.tasks.spawn(give_out(connection, back));
  co_await connection.over.wait();
}

io::Task<void> Relay::take_in(Connection& connection, Direction& way) {
  std::string buffer(options_.limits.piece, '\0');
  for (;;) {
    while (way.queue.full()) co_await way.drained.wait();
    auto got = co_await io::read_some(env_, way.from, buffer);
    if (!got.ok()) {
      connection.over.set();
      co_return;
    }
    way.queue.push({buffer.substr(0, *got), *got == 0}, env_.now(), felt_, random_.unit());
    way.filled.set();
    if (*got == 0) co_return;
  }
}

io::Task<void> Relay::give_out(Connection& connection, Direction& way) {
  for (;;) {
    while (way.queue.next() == kNever) co_await way.filled.wait();
    if (way.queue.next() > env_.now()) co_await env_.sleep_until(way.queue.next());
    auto piece = way.queue.pop(env_.now());
    if (!piece) continue;
    way.drained.set();
    if (piece->end) {
      way.to.shutdown_write();
      if (++connection.ended == 2) connection.over.set();
      co_return;
    }
    auto sent = co_await io::write_all(env_, way.to, piece->bytes);
    if (!sent.ok()) {
      connection.over.set();
      co_return;
    }
  }
}

std::string Relay::command(std::string_view line) {
  const auto words = words_of(line);
  const std::string_view verb = words.empty() ? std::string_view() : words[0];
  if (verb == "delay") {
    auto felt = parse_delay(line.substr(static_cast<std::size_t>(verb.data() - line.data()) + verb.size()));
    if (!felt.ok()) return "error " + felt.error().message;
    felt_ = *felt;
  } else if (verb == "cut") {
    end_all();
  } else if (verb == "restore") {
    auto started = start();
    if (!started.ok()) return "error " + started.error().message;
    felt_ = options_.felt;
  } else if (verb != "show") {
    return fmt::format("error unknown command \"{}\": write delay MS [jitter MS], cut, restore or show", line);
  }
  return fmt::format("ok delay {} jitter {}{} connections {}", to_ms_f(felt_.delay), to_ms_f(felt_.jitter),
                     cut() ? " cut" : "", connections());
}

}  // namespace aigrid::up
