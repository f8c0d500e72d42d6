#include "app/up/relay.h"

#include "app/up/line_socket.h"
#include "io/http/test_grid.h"

namespace aigrid::up {
namespace {

using io::test::connect;
using io::test::read_until;
using io::test::run;

RelayLimits limits() { return {.room = 1 << 20, .piece = 65536, .dial_within = 5s}; }

io::Task<void> echo_one(io::Env& env, std::unique_ptr<io::Stream> stream) {
  std::string buffer(65536, '\0');
  for (;;) {
    auto got = co_await io::read_some(env, *stream, buffer);
    if (!got.ok() || *got == 0) co_return;
    auto sent = co_await io::write_all(env, *stream, std::string_view(buffer.data(), *got));
    if (!sent.ok()) co_return;
  }
}

io::Task<void> echo(io::Env& env, io::Listener& listener, io::TaskGroup& group) {
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream.ok()) co_return;
    group.spawn(echo_one(env, std::move(*stream)));
  }
}

io::Task<Duration> round_trip(io::Env& env, io::Stream& stream) {
  const Time start = env.now();
  auto sent = co_await io::write_all(env, stream, std::string_view("ping\n"));
  EXPECT_TRUE(sent.ok());
  const std::string answer = co_await read_until(env, stream, "\n");
  EXPECT_EQ(answer, "ping\n");
  co_return env.now() - start;
}

io::Task<void> felt_cut_and_restored(io::Env& env) {
  io::test::Served served(env);
  served.acceptor.spawn(echo(env, *served.listener, served.connections));
  Relay relay(env, {"127.0.0.1:0", served.at(), {30ms, 0ms}, limits()});
  auto started = relay.start();
  EXPECT_TRUE(started.ok());
  auto stream = co_await connect(env, relay.address());
  const Duration first = co_await round_trip(env, *stream);
  EXPECT_GE(first, 60ms);
  EXPECT_EQ(relay.command("delay 80 jitter 1"), "ok delay 80 jitter 1 connections 1");
  const Duration second = co_await round_trip(env, *stream);
  EXPECT_GE(second, 158ms);

  EXPECT_EQ(relay.command("cut"), "ok delay 80 jitter 1 cut connections 0");
  const std::string rest = co_await read_until(env, *stream, "\n");
  EXPECT_EQ(rest.find("ping"), std::string::npos);
  auto refused = co_await env.dial(relay.address(), 5s);
  EXPECT_FALSE(refused.ok());

  EXPECT_EQ(relay.command("restore"), "ok delay 30 jitter 0 connections 0");
  auto again = co_await connect(env, relay.address());
  const Duration third = co_await round_trip(env, *again);
  EXPECT_GE(third, 60ms);
  EXPECT_EQ(relay.command("show"), "ok delay 30 jitter 0 connections 1");
}

TEST(Relay, is_felt_cut_and_restored) { run(felt_cut_and_restored); }

io::Task<void> carries_much(io::Env& env) {
  io::test::Served served(env);
  served.acceptor.spawn(echo(env, *served.listener, served.connections));
  Relay relay(env, {"127.0.0.1:0", served.at(), {1ms, 0ms}, {.room = 100'000, .piece = 10'000, .dial_within = 5s}});
  auto started = relay.start();
  EXPECT_TRUE(started.ok());
  auto stream = co_await connect(env, relay.address());
  std::string much(1'000'000, 'x');
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>('a' + i % 26);
  much += '\n';
  io::TaskGroup group(env.executor());
  group.spawn([](io::Env& e, io::Stream& s, const std::string& text) -> io::Task<void> {
    auto sent = co_await io::write_all(e, s, text);
    EXPECT_TRUE(sent.ok());
    s.shutdown_write();
  }(env, *stream, much));
  const std::string back = co_await read_until(env, *stream, "");
  EXPECT_TRUE(back == much) << back.size();
}

TEST(Relay, carries_more_than_fits_and_half_closes) { run(carries_much); }

io::Task<void> target_gone(io::Env& env) {
  Relay relay(env, {"127.0.0.1:0", "127.0.0.1:1", {}, limits()});
  auto started = relay.start();
  EXPECT_TRUE(started.ok());
  auto stream = co_await connect(env, relay.address());
  const std::string got = co_await read_until(env, *stream, "");
  EXPECT_EQ(got.find("ping"), std::string::npos);
}

TEST(Relay, closes_when_nobody_is_behind_it) { run(target_gone); }

TEST(Relay, refuses_delays_that_are_none) {
  EXPECT_EQ(parse_delay("25 jitter 2")->delay, 25ms);
  EXPECT_EQ(parse_delay("25 jitter 2")->jitter, 2ms);
  EXPECT_EQ(parse_delay(" 0.5 ")->delay, 500us);
  for (const char* bad : {"", "x", "-1", "1 2", "1 jitter", "1 jitter x", "1e9", "nan", "1 jitter 2 3", "10ms"}) {
    EXPECT_FALSE(parse_delay(bad).ok()) << bad;
  }
}

io::Task<void> lines(io::Env& env) {
  auto listener = env.listen("127.0.0.1:0", {});
  EXPECT_TRUE(listener.ok());
  const io::Address at = (*listener)->address();
  io::TaskGroup group(env.executor());
  group.spawn(serve_lines(env, std::move(*listener), [](std::string_view line) {
    return line == "good" ? std::string("ok fine") : "error cannot " + std::string(line);
  }));
  auto good = co_await ask_line(env, at, "good", 5s);
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(*good, "fine");
  auto bad = co_await ask_line(env, at, "fly", 5s);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message, "cannot fly");
}

TEST(LineSocket, answers_lines) { run(lines); }

}  // namespace
}  // namespace aigrid::up
