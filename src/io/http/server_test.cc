#include "io/http/server.h"

#include <gmock/gmock.h>

#include "io/http/test_grid.h"

namespace aigrid::io {
namespace {

using test::connect;
using test::read_until;
using test::run;
using test::Served;
using test::talk;
using test::within;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGetClose = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

Task<void> echo(Exchange& ex) {
  auto body = co_await ex.read_body(1000);
  if (!body.ok()) co_return;
  http::Headers headers{{"x-path", ex.head().target}};
  const auto sent = co_await ex.respond(200, std::move(headers), ex.head().method + ":" + *body);
  EXPECT_TRUE(sent.ok() || sent.error().code == Code::Unavailable);  // the client may be gone
}

Task<void> count_to_three(Exchange& ex) {
  http::Headers headers{{"content-type", "text/event-stream"}};
  auto ok = co_await ex.start(200, std::move(headers));
  EXPECT_TRUE(ok.ok());
  for (const std::string_view piece : {"one", "two", "three"}) {
    ok = co_await ex.write(piece);
    EXPECT_TRUE(ok.ok());
  }
  ok = co_await ex.finish();
  EXPECT_TRUE(ok.ok());
}

// Runs `serve` on a port and `client` against it.
template <class Client>
Task<void> scene(Env& env, ServerLimits limits, ServeFn serve, Client client) {
  Served s(env);
  s.acceptor.spawn(serve_listener(env, *s.listener, s.connections, limits, std::move(serve)));
  co_await client(env, s.at());
}

template <class Client>
void with_server(ServeFn serve, Client client, ServerLimits limits = {}) {
  run([=](Env& env) { return scene(env, limits, serve, client); });
}

Task<void> expect_answers(Env& env, Address at, std::string text, std::vector<std::string> parts) {
  const auto answer = co_await talk(env, at, text);
  for (const auto& part : parts) EXPECT_THAT(answer, HasSubstr(part)) << text.substr(0, 100);
}

// text sent -> parts of what comes back until the server closes
void check(ServeFn serve, std::string text, std::vector<std::string> parts, ServerLimits limits = {}) {
  with_server(std::move(serve), [=](Env& env, Address at) { return expect_answers(env, at, text, parts); }, limits);
}

TEST(Server, Answers) {
  check(echo, "POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        {"HTTP/1.1 200 OK\r\n", "x-path: /p?q\r\n", "connection: close\r\n", "content-length: 10\r\n",
         "\r\n\r\nPOST:hello"});
}

TEST(Server, PipelinedKeepAlive) {
  check(echo,
        std::string("POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n") +
            std::string(kGet) + std::string(kGetClose),
        {"\r\n\r\nPOST:hiHTTP/1.1 200 OK\r\n", "\r\n\r\nGET:HTTP/1.1 200 OK\r\n", "connection: close\r\n"});
}

TEST(Server, HeadHasNoBody) {
  with_server(echo, [](Env& env, Address at) -> Task<void> {
    const auto answer = co_await talk(env, at, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("content-length: 5\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
  });
}

TEST(Server, Streams) {
  check(count_to_three, std::string(kGetClose),
        {"transfer-encoding: chunked\r\n", "\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"});
  check(count_to_three, "GET / HTTP/1.0\r\n\r\n", {"connection: close\r\n", "\r\n\r\nonetwothree"});
}

TEST(Server, UnansweredIs500) {
  check([](Exchange&) -> Task<void> { co_return; }, std::string(kGet), {"HTTP/1.1 500 ", "\"type\":\"server_error\""});
}

TEST(Server, UnfinishedStreamIsCut) {
  const auto cut = [](Exchange& ex) -> Task<void> {
    http::Headers none;
    (void)(co_await ex.start(200, std::move(none))).ok();
    (void)(co_await ex.write("part")).ok();
  };
  with_server(cut, [](Env& env, Address at) -> Task<void> {
    const auto answer = co_await talk(env, at, std::string(kGet));
    EXPECT_THAT(answer, HasSubstr("4\r\npart\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("0\r\n\r\n")));
  });
}

TEST(Server, Refusals) {
  ServerLimits limits;
  limits.parse.body_bytes = 2000;
  check(echo, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        {"HTTP/1.1 400 ", "connection: close", "\"code\":\"bad_request\""}, limits);
  check(echo, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n", {"HTTP/1.1 413 "}, limits);
  check(echo, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n", {"HTTP/1.1 413 ", "limit of 1000"}, limits);
  check(echo,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5dc\r\n" + std::string(1500, 'x') +
            "\r\n0\r\n\r\n",
        {"HTTP/1.1 413 "}, limits);
  check(echo, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {"HTTP/1.1 400 "}, limits);
  check(echo, "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(40'000, 'a') + "\r\n\r\n", {"HTTP/1.1 431 "}, limits);
  limits.error_body = [](int status, std::string_view, http::Headers& headers) {
    headers.set("x-id", "7");
    return "mine " + std::to_string(status);
  };
  check(echo, "BAD\r\n", {"HTTP/1.1 400 ", "x-id: 7", "\r\n\r\nmine 400"}, limits);
}

TEST(Server, ExpectContinue) {
  with_server(echo, [](Env& env, Address at) -> Task<void> {
    auto stream = co_await connect(env, at);
    const std::string head =
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
    (void)(co_await write_all(env, *stream, head)).ok();
    const auto first = co_await read_until(env, *stream, "\r\n\r\n");
    EXPECT_EQ(first, "HTTP/1.1 100 Continue\r\n\r\n");
    (void)(co_await write_all(env, *stream, "ok")).ok();
    const auto rest = co_await read_until(env, *stream, "");
    EXPECT_THAT(rest, EndsWith("POST:ok"));
  });
}

TEST(Server, SlowHeadAndBodyAreAnsweredAndClosed) {
  ServerLimits limits;
  limits.head = 30ms;
  limits.body_piece = 30ms;
  limits.idle = 30ms;
  check(echo, "GET / HTTP/1.1\r\nHost", {"HTTP/1.1 408 "}, limits);
  check(echo, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", {"HTTP/1.1 408 "}, limits);
  // Idle ones are closed without a word.
  with_server(
      echo,
      [](Env& env, Address at) -> Task<void> {
        const auto answer = co_await talk(env, at, "");
        EXPECT_EQ(answer, "");
      },
      limits);
}

struct Silent {
  explicit Silent(Env& env) : seen(env.executor()), left(env.executor()), noticed(env.executor()) {}
  Event seen;     // for the test: serving
  Event left;     // for the ServeFn
  Event noticed;  // for the test: gone
  bool serving = false;
  bool gone = false;
};

Task<void> serve_silently(Silent& s, Exchange& ex) {
  ex.on_client_gone([&s] {
    s.gone = true;
    s.left.set();
    s.noticed.set();
  });
  s.serving = true;
  s.seen.set();
  while (!s.gone) co_await s.left.wait();
  EXPECT_TRUE(ex.client_gone());
}

TEST(Server, ClientThatLeavesIsNoticedWhileNothingIsWritten) {
  run([](Env& env) -> Task<void> {
    return [](Env& e) -> Task<void> {
      Silent silent(e);
      ServerLimits limits;
      Served s(e);
      ServeFn serve = [&silent](Exchange& ex) { return serve_silently(silent, ex); };
      s.acceptor.spawn(serve_listener(e, *s.listener, s.connections, limits, serve));
      auto stream = co_await connect(e, s.at());
      (void)(co_await write_all(e, *stream, kGet)).ok();
      while (!silent.serving) co_await silent.seen.wait();
      const Time left = e.now();
      stream.reset();
      const bool noticed = co_await within(e, silent.noticed, silent.gone);
      EXPECT_TRUE(noticed);
      EXPECT_LT(e.now() - left, 5s);
      co_await s.connections.join();
    }(env);
  });
}

TEST(Server, BigAnswerToASlowReaderIsWhole) {
  const auto big = [](Exchange& ex) -> Task<void> {
    http::Headers none;
    (void)(co_await ex.start(200, std::move(none))).ok();
    const std::string piece(100'000, 'x');
    for (int i = 0; i < 50; ++i) {
      const auto sent = co_await ex.write(piece);
      EXPECT_TRUE(sent.ok());
    }
    (void)(co_await ex.finish()).ok();
  };
  with_server(big, [](Env& env, Address at) -> Task<void> {
    const auto answer = co_await talk(env, at, std::string(kGetClose));
    EXPECT_EQ(std::count(answer.begin(), answer.end(), 'x'), 5'000'000);
    EXPECT_THAT(answer, EndsWith("0\r\n\r\n"));
  });
}

TEST(Server, ReaderThatTakesNothingIsDropped) {
  ServerLimits limits;
  limits.write_stall = 30ms;
  run([limits](Env& env) -> Task<void> {
    return [](Env& e, ServerLimits l) -> Task<void> {
      struct Seen {
        Event changed;
        bool failed = false;
        Code code = Code::Internal;
      } seen{Event(e.executor())};
      struct Flood {
        static Task<void> serve(Seen& out, Exchange& ex) {
          http::Headers none;
          (void)(co_await ex.start(200, std::move(none))).ok();
          const std::string piece(1'000'000, 'x');
          for (;;) {
            const auto sent = co_await ex.write(piece);
            if (sent.ok()) continue;
            out.code = sent.error().code;
            out.failed = true;
            out.changed.set();
            co_return;
          }
        }
      };
      Served s(e);
      ServeFn serve = [&seen](Exchange& ex) { return Flood::serve(seen, ex); };
      s.acceptor.spawn(serve_listener(e, *s.listener, s.connections, l, serve));
      auto stream = co_await connect(e, s.at());
      (void)(co_await write_all(e, *stream, kGet)).ok();
      const bool failed = co_await within(e, seen.changed, seen.failed);
      EXPECT_TRUE(failed);
      EXPECT_EQ(seen.code, Code::DeadlineExceeded);
    }(env, limits);
  });
}

TEST(Server, ThousandPipelinedThenClosed) {
  std::string all;
  for (int i = 0; i < 1000; ++i) all += kGet;
  with_server(echo, [all](Env& env, Address at) -> Task<void> {
    return [](Env& e, Address to, std::string text) -> Task<void> {
      {
        auto stream = co_await connect(e, to);
        (void)(co_await write_all(e, *stream, text)).ok();
      }
      const auto after = co_await talk(e, to, std::string(kGetClose));
      EXPECT_THAT(after, StartsWith("HTTP/1.1 200 OK"));
    }(env, at, all);
  });
}

}  // namespace
}  // namespace aigrid::io
