#include "io/http/tunnel.h"

#include <gmock/gmock.h>

#include "io/http/test_grid.h"

namespace aigrid::io {
namespace {

using test::run;
using test::Served;

http::RequestHead post(std::string target) { return {"POST", std::move(target), {{"host", "h"}}}; }

// A connection of HTTP/2 over the streams given; `a` asks, `b` serves.
struct Pair {
  Pair(Env& env, std::unique_ptr<Stream> a, std::unique_ptr<Stream> b, ServeStream serve)
      : asks(env, std::move(a), http::H2Role::Requester),
        serves(env, std::move(b), http::H2Role::Server, std::move(serve)),
        tasks(env.executor()) {
    tasks.spawn(asks.run());
    tasks.spawn(serves.run());
  }
  H2Connection asks;
  H2Connection serves;
  TaskGroup tasks;
};

Task<std::unique_ptr<Pair>> pair(Env& env, ServeStream serve) {
  Served s(env);
  auto dialled = co_await test::connect(env, s.at());
  auto accepted = co_await s.listener->accept();
  co_return std::make_unique<Pair>(env, std::move(dialled), std::move(*accepted), std::move(serve));
}

// Sends back what comes, over a tunnel.
Task<void> echo(Env& env, std::shared_ptr<H2Stream> exchange, std::unique_ptr<Stream>& stream) {
  EXPECT_TRUE(exchange->respond({200, {}}).ok());
  stream = tunnel(env, std::move(exchange), "lyon");
  EXPECT_EQ(tunnelled_through(stream->peer().address), "lyon");
  std::string piece(5000, '\0');
  for (;;) {
    const auto got = co_await read_some(env, *stream, piece);
    if (!got.ok() || *got == 0) break;
    const std::string out = piece.substr(0, *got);
    const auto sent = co_await write_all(env, *stream, out);
    if (!sent.ok()) co_return;
  }
  stream->shutdown_write();
  const auto more = co_await read_some(env, *stream, piece);
  EXPECT_TRUE(more.ok() && *more == 0);
}

Task<void> write_and_finish(Env& env, Stream& stream, const std::string& text) {
  const auto sent = co_await write_all(env, stream, text);
  EXPECT_TRUE(sent.ok());
  stream.shutdown_write();
}

Task<std::string> read_to_end(Env& env, Stream& stream) {
  std::string all;
  std::string piece(7000, '\0');
  for (;;) {
    const auto got = co_await read_some(env, stream, piece);
    if (!got.ok() || *got == 0) break;
    all.append(piece, 0, *got);
  }
  co_return all;
}

// Through a third: what is larger than every window goes there and back, whole and in order, and both ends see the end.
TEST(Tunnel, CarriesBytesThroughAThirdBothWays) {
  run([](Env& env) -> Task<void> {
    std::unique_ptr<Stream> far;  // kept until all of it has come back
    ServeStream echoing = [&env, &far](std::shared_ptr<H2Stream> s) { return echo(env, std::move(s), far); };
    auto onward = co_await pair(env, std::move(echoing));
    ServeStream passing = [&env, &onward](std::shared_ptr<H2Stream> s) -> Task<void> {
      auto to = onward->asks.open(post("/there"), false);
      EXPECT_TRUE(to.ok());
      const auto head = co_await (*to)->head();
      EXPECT_TRUE(head.ok());
      EXPECT_TRUE(s->respond({200, {}}).ok());
      co_await pass_on(env, std::move(s), std::move(*to));
    };
    auto first = co_await pair(env, std::move(passing));
    auto exchange = first->asks.open(post("/on"), false);
    EXPECT_TRUE(exchange.ok());
    const auto head = co_await (*exchange)->head();
    EXPECT_TRUE(head.ok() && head->status == 200);
    auto stream = tunnel(env, std::move(*exchange), "paris");
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += std::to_string(i);
    TaskGroup writing(env.executor());
    writing.spawn(write_and_finish(env, *stream, text));
    const std::string back = co_await read_to_end(env, *stream);
    EXPECT_EQ(back.size(), text.size());
    EXPECT_TRUE(back == text);
    co_await writing.join();
  });
}

TEST(Tunnel, ItsLossIsSeenByAReaderAndAWriter) {
  run([](Env& env) -> Task<void> {
    std::shared_ptr<H2Stream> kept;
    ServeStream hold = [&kept](std::shared_ptr<H2Stream> s) -> Task<void> {
      EXPECT_TRUE(s->respond({200, {}}).ok());
      kept = s;
      co_return;
    };
    auto one = co_await pair(env, std::move(hold));
    auto exchange = one->asks.open(post("/on"), false);
    const auto head = co_await (*exchange)->head();
    EXPECT_TRUE(head.ok());
    auto stream = tunnel(env, std::move(*exchange), "paris");
    one->serves.close();
    std::string piece(10, '\0');
    const auto got = co_await read_some(env, *stream, piece);
    EXPECT_FALSE(got.ok());
    const auto sent = co_await write_all(env, *stream, "x");
    EXPECT_FALSE(sent.ok());
    kept.reset();
  });
}

TEST(Tunnel, AnAddressThatIsNoTunnelGoesThroughNobody) {
  EXPECT_EQ(tunnelled_through("127.0.0.1:80"), "");
  EXPECT_EQ(tunnelled_through(""), "");
}

}  // namespace
}  // namespace aigrid::io
