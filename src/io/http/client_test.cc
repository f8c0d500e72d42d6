#include "io/http/client.h"

#include <gmock/gmock.h>

#include "io/http/server.h"
#include "io/http/test_grid.h"

namespace aigrid::io {
namespace {

using test::read_until;
using test::run;
using test::Served;

// Accepts connections and answers each request head with `answer`, then closes.
Task<void> canned(Env& env, Listener& listener, std::string answer) {
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream.ok()) co_return;
    const auto head = co_await read_until(env, **stream, "\r\n\r\n");
    EXPECT_THAT(head, testing::HasSubstr("connection: close"));
    (void)(co_await write_all(env, **stream, answer)).ok();
  }
}

http::RequestHead get() { return {"GET", "/", {}}; }

struct Seen {
  std::string steps;
  std::string body;
  int status = 0;
};

Task<void> ask(Env& env, std::string answer, Seen& seen) {
  seen = {};
  Served s(env);
  s.acceptor.spawn(canned(env, *s.listener, std::move(answer)));
  auto response = co_await http1_request(env, s.at(), get(), "");
  if (!response.ok()) {
    seen.steps = "head:" + std::string(to_string(response.error().code));
    EXPECT_EQ(response.error().retry, Retry::Elsewhere);
    co_return;
  }
  seen.status = response->head.status;
  for (;;) {
    const auto piece = co_await response->read();
    if (!piece.ok()) {
      seen.steps = "body:" + std::string(to_string(piece.error().code));
      co_return;
    }
    if (piece->empty()) break;
    seen.body += *piece;
  }
  seen.steps = "end";
}

Seen ask_canned(std::string answer) {
  Seen seen;
  run([&](Env& env) { return ask(env, answer, seen); });
  return seen;
}

TEST(Client, EveryFraming) {
  for (const auto* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\n\r\nhello",
                             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
                             "chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nA: b\r\n\r\n"}) {
    const auto seen = ask_canned(answer);
    EXPECT_EQ(seen.steps, "end") << answer;
    EXPECT_EQ(seen.body, "hello") << answer;
    EXPECT_EQ(seen.status, 200);
  }
}

TEST(Client, WhatGoesWrongIsToldApart) {
  EXPECT_EQ(ask_canned("").steps, "head:" + std::string(to_string(Code::Unavailable)));
  EXPECT_EQ(ask_canned("HTTP/1.1 200").steps, "head:" + std::string(to_string(Code::Unavailable)));
  EXPECT_EQ(ask_canned("SSH-2.0-x\r\n\r\n").steps, "head:" + std::string(to_string(Code::DataLoss)));
  const auto cut = "body:" + std::string(to_string(Code::DataLoss));
  EXPECT_EQ(ask_canned("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").steps, cut);
  EXPECT_EQ(ask_canned("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").steps, cut);
  EXPECT_EQ(ask_canned("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").body, "hello");
}

Task<void> refused(Env& env) {
  Address nobody;
  {
    Served s(env);
    nobody = s.at();
  }
  const auto response = co_await http1_request(env, nobody, get(), "");
  EXPECT_FALSE(response.ok());
  if (!response.ok()) EXPECT_EQ(response.error().code, Code::Unavailable);
}
TEST(Client, NobodyListens) { run(refused); }

Task<void> never_answers(Env& env) {
  Served s(env);  // accepted by the kernel, answered by nobody
  ClientTimes times;
  times.head = 30ms;
  const auto response = co_await http1_request(env, s.at(), get(), "", times);
  EXPECT_FALSE(response.ok());
  if (!response.ok()) EXPECT_EQ(response.error().code, Code::DeadlineExceeded);
}
TEST(Client, HeadDeadline) { run(never_answers); }

Task<void> echo(Exchange& ex) {
  auto body = co_await ex.read_body(8U << 20U);
  if (!body.ok()) co_return;
  http::Headers none;
  (void)(co_await ex.respond(200, std::move(none), std::move(*body))).ok();
}

Task<void> pooled(Env& env) {
  ServerLimits limits;
  Served s(env);
  s.acceptor.spawn(serve_listener(env, *s.listener, s.connections, limits, echo));
  Http1Pool pool(env);
  const std::string big(3'000'000, 'b');
  for (int i = 0; i < 5; ++i) {
    http::RequestHead head{"POST", "/", {}};
    const auto answer = co_await pool.request(s.at(), std::move(head), big);
    EXPECT_TRUE(answer.ok() && answer->body == big);
    EXPECT_EQ(pool.kept(), 1U);
    EXPECT_EQ(s.connections.size(), 1U);
  }
  // The server lets the kept connection go: the next request does not notice.
  s.connections.cancel();
  const auto answer = co_await pool.request(s.at(), get(), "");
  EXPECT_TRUE(answer.ok());
}
TEST(Client, PoolKeepsAndReplaces) { run(pooled); }

Task<void> early_refusal(Env& env) {
  ServerLimits limits;
  limits.parse.body_bytes = 1000;
  Served s(env);
  s.acceptor.spawn(serve_listener(env, *s.listener, s.connections, limits, echo));
  http::RequestHead head{"POST", "/", {}};
  auto answer = co_await http1_request(env, s.at(), std::move(head), std::string(200'000, 'x'));
  EXPECT_TRUE(answer.ok());
  if (!answer.ok()) co_return;
  EXPECT_EQ(answer->head.status, 413);
  const auto body = co_await answer->read_all(10'000);
  EXPECT_TRUE(body.ok());
}
TEST(Client, AnswerBeforeTheBodyIsTaken) { run(early_refusal); }

Task<void> close_after(Env& env, ClientResponse& response) {
  co_await env.sleep_for(5ms);
  response.close();
}

Task<void> silent(Exchange& ex) {
  http::Headers none;
  (void)(co_await ex.start(200, std::move(none))).ok();
  const auto nothing = co_await ex.read();  // GET: empty at once
  EXPECT_TRUE(nothing.ok());
  (void)(co_await ex.write("x")).ok();
  (void)(co_await ex.finish()).ok();
}

Task<void> cancelled(Env& env) {
  Served s(env);
  struct Quiet {
    static Task<void> serve(Env& e, Listener& listener) {
      auto stream = co_await listener.accept();
      (void)(co_await read_until(e, **stream, "\r\n\r\n"));
      (void)(co_await write_all(e, **stream, "HTTP/1.1 200 OK\r\n\r\n")).ok();
      (void)(co_await read_until(e, **stream, ""));
    }
  };
  s.acceptor.spawn(Quiet::serve(env, *s.listener));
  auto response = co_await http1_request(env, s.at(), get(), "");
  EXPECT_TRUE(response.ok());
  if (!response.ok()) co_return;
  TaskGroup closing(env.executor());
  closing.spawn(close_after(env, *response));
  const auto piece = co_await response->read();
  EXPECT_FALSE(piece.ok());
  if (!piece.ok()) EXPECT_EQ(piece.error().code, Code::Cancelled);
}
TEST(Client, CloseWakesTheReader) { run(cancelled); }

Task<void> whole(Env& env) {
  ServerLimits limits;
  Served s(env);
  s.acceptor.spawn(serve_listener(env, *s.listener, s.connections, limits, silent));
  auto response = co_await http1_request(env, s.at(), get(), "");
  EXPECT_TRUE(response.ok());
  if (!response.ok()) co_return;
  const auto body = co_await response->read_all(10);
  EXPECT_TRUE(body.ok() && *body == "x");
}
TEST(Client, ReadsAll) { run(whole); }

}  // namespace
}  // namespace aigrid::io
