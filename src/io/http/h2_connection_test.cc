#include "io/http/h2_connection.h"

#include <gmock/gmock.h>

#include "io/http/test_grid.h"

namespace aigrid::io {
namespace {

using test::run;
using test::Served;
using test::within;

http::RequestHead post() { return {"POST", "/inner/attempt", {{"host", "h"}}}; }

// Two connections joined by a socket. `dialler_serves` is ALPN aigrid/1-r: the dialler answers.
struct Joined {
  Joined(Env& e, std::unique_ptr<Stream> a, std::unique_ptr<Stream> b, ServeStream serve, H2Options options)
      : requester(e, std::move(a), http::H2Role::Requester, {}, options),
        server(e, std::move(b), http::H2Role::Server, std::move(serve)),
        tasks(e.executor()) {
    tasks.spawn(requester.run());
    tasks.spawn(server.run());
  }
  H2Connection requester;
  H2Connection server;
  TaskGroup tasks;
};

Task<std::unique_ptr<Joined>> join(Env& env, ServeStream serve, bool dialler_serves = false, H2Options options = {}) {
  Served s(env);
  auto dialled = co_await test::connect(env, s.at());
  auto accepted = co_await s.listener->accept();
  if (dialler_serves) std::swap(dialled, *accepted);
  co_return std::make_unique<Joined>(env, std::move(dialled), std::move(*accepted), std::move(serve), options);
}

Task<void> echo(std::shared_ptr<H2Stream> stream) {
  http::ResponseHead head{200, {{"x", stream->request().target}}};
  EXPECT_TRUE(stream->respond(std::move(head)).ok());
  for (;;) {
    auto piece = co_await stream->read();
    if (!piece.ok()) co_return;
    if (piece->empty()) break;
    const auto sent = co_await stream->write(*piece);
    if (!sent.ok()) co_return;
    stream->consume(piece->size());
  }
  (void)stream->end().ok();
}

Task<void> send_all(std::shared_ptr<H2Stream> stream, std::string text) {
  for (std::size_t at = 0; at < text.size(); at += 10'000) {
    const auto sent = co_await stream->write(std::string_view(text).substr(at, 10'000));
    EXPECT_TRUE(sent.ok());
    EXPECT_LT(stream->buffered(), 80'000U);
  }
  EXPECT_TRUE(stream->end().ok());
}

Task<std::string> read_all(H2Stream& stream) {
  std::string out;
  for (;;) {
    auto piece = co_await stream.read();
    if (!piece.ok()) co_return out + "<" + std::string(to_string(piece.error().code)) + ">";
    if (piece->empty()) co_return out;
    out += *piece;
    stream.consume(piece->size());
  }
}

Task<void> round_trip(Env& env, H2Connection& connection, std::string text, int& right) {
  auto stream = connection.open(post(), false);
  EXPECT_TRUE(stream.ok());
  TaskGroup sending(env.executor());
  sending.spawn(send_all(*stream, text));
  const auto head = co_await (*stream)->head();
  EXPECT_TRUE(head.ok() && head->status == 200 && head->headers.get("x") == "/inner/attempt");
  const auto back = co_await read_all(**stream);
  if (back == text) ++right;
  co_await sending.join();
}

Task<void> many(Env& env, bool dialler_serves) {
  auto j = co_await join(env, echo, dialler_serves);
  int right = 0;
  TaskGroup all(env.executor());
  for (int i = 0; i < 50; ++i)
    all.spawn(round_trip(env, j->requester,
                         std::string(static_cast<std::size_t>(i) * 10'007, static_cast<char>('a' + i % 26)), right));
  co_await all.join();
  EXPECT_EQ(right, 50);
  EXPECT_EQ(j->requester.streams(), 0U);
  j->requester.goaway();
  co_await j->tasks.join();  // in peace: both sides end
  EXPECT_TRUE(j->server.closed());
  EXPECT_FALSE(j->requester.open(post(), true).ok());
}
TEST(H2Connection, ManyStreams) {
  run([](Env& env) { return many(env, false); });
  run([](Env& env) { return many(env, true); });
}

Task<void> whole_bodies(Env& env) {
  auto j = co_await join(env, echo);
  const std::string text(200'000, 'x');  // over the window of a stream
  for (const std::size_t most : {text.size(), text.size() - 1}) {
    auto stream = j->requester.open(post(), false);
    EXPECT_TRUE(stream.ok());
    TaskGroup sending(env.executor());
    sending.spawn(send_all(*stream, text));
    auto got = co_await (*stream)->read_all(most);
    if (most == text.size()) {
      EXPECT_TRUE(got.ok() && *got == text);
      co_await sending.join();
    } else {
      EXPECT_EQ(got.error().code, Code::ResourceExhausted);
      EXPECT_NE(got.error().message.find("199999 bytes"), std::string::npos) << got.error().message;
    }
  }
}
TEST(H2Connection, WholeBodiesAreBounded) { run(whole_bodies); }

struct Watch {
  explicit Watch(Env& env) : changed(env.executor()) {}
  Event changed;
  bool started = false;
  bool failed = false;
  std::size_t written = 0;
  std::optional<Code> code;
};

Task<void> flood(Watch& w, std::shared_ptr<H2Stream> stream) {
  http::ResponseHead head{200, {}};
  (void)stream->respond(std::move(head)).ok();
  const std::string piece(10'000, 'x');
  for (;;) {
    const auto sent = co_await stream->write(piece);
    if (!sent.ok()) {
      w.code = sent.error().code;
      break;
    }
    w.written += piece.size();
  }
  w.failed = true;
  w.changed.set();
}

Task<void> slow_reader(Env& env) {
  Watch w(env);
  ServeStream serve = [&w](std::shared_ptr<H2Stream> s) { return flood(w, std::move(s)); };
  auto j = co_await join(env, serve);
  auto stream = j->requester.open(post(), true);
  std::size_t seen = 0;
  while (seen < http::H2Session::kStreamWindow) {  // read, give no window back
    const auto piece = co_await (*stream)->read();
    EXPECT_TRUE(piece.ok());
    seen += piece->size();
  }
  const auto trip = co_await j->requester.ping();  // the connection itself is not held up
  EXPECT_TRUE(trip.ok());
  EXPECT_EQ(seen, http::H2Session::kStreamWindow);
  EXPECT_LE(w.written, 2 * http::H2Session::kStreamWindow + 10'000);
  (*stream)->reset();
  const bool failed = co_await within(env, w.changed, w.failed);
  EXPECT_TRUE(failed);
  EXPECT_EQ(w.code, Code::Cancelled);
}
TEST(H2Connection, SlowReaderHoldsUpOnlyItsStream) { run(slow_reader); }

Task<void> wait_for_failure(Watch& w, std::shared_ptr<H2Stream> stream) {
  w.started = true;
  w.changed.set();
  const auto piece = co_await stream->read();
  EXPECT_FALSE(piece.ok());
  if (!piece.ok()) w.code = piece.error().code;
  w.failed = true;
  w.changed.set();
}

Task<void> await_head(Env& env, H2Connection& connection, std::vector<Error>& errors) {
  (void)env;
  auto stream = connection.open(post(), false);
  const auto head = co_await (*stream)->head();
  EXPECT_FALSE(head.ok());
  if (!head.ok()) errors.push_back(head.error());
}

Task<void> lost(Env& env) {
  Watch w(env);
  ServeStream serve = [&w](std::shared_ptr<H2Stream> s) { return wait_for_failure(w, std::move(s)); };
  auto j = co_await join(env, serve);
  std::vector<Error> errors;
  TaskGroup waiting(env.executor());
  for (int i = 0; i < 3; ++i) waiting.spawn(await_head(env, j->requester, errors));
  const bool started = co_await within(env, w.changed, w.started);
  EXPECT_TRUE(started);
  int told = 0;
  j->requester.on_closed([&told] { ++told; });
  j->server.close();
  co_await waiting.join();
  EXPECT_EQ(errors.size(), 3U);
  for (const auto& e : errors) {
    EXPECT_EQ(e.code, Code::Unavailable);
    EXPECT_EQ(e.retry, Retry::Elsewhere);
  }
  EXPECT_EQ(told, 1);
  co_await j->tasks.join();
  EXPECT_TRUE(w.failed);
}
TEST(H2Connection, LossWakesEveryStream) { run(lost); }

Task<void> dropped(Env& env) {
  Watch w(env);
  ServeStream serve = [&w](std::shared_ptr<H2Stream> s) { return wait_for_failure(w, std::move(s)); };
  auto j = co_await join(env, serve);
  {
    auto stream = j->requester.open(post(), false);
    const bool started = co_await within(env, w.changed, w.started);
    EXPECT_TRUE(started);
  }
  const bool failed = co_await within(env, w.changed, w.failed);
  EXPECT_TRUE(failed);
  EXPECT_EQ(w.code, Code::Cancelled);
  EXPECT_EQ(j->requester.streams(), 0U);
}
TEST(H2Connection, DroppedStreamIsReset) { run(dropped); }

Task<void> forget(std::shared_ptr<H2Stream> stream) {
  http::ResponseHead head{200, {}};
  (void)stream->respond(std::move(head)).ok();
  (void)(co_await stream->write("part")).ok();
}

Task<void> unfinished(Env& env) {
  auto j = co_await join(env, forget);
  auto stream = j->requester.open(post(), true);
  const auto body = co_await read_all(**stream);
  EXPECT_THAT(body, testing::EndsWith("<" + std::string(to_string(Code::Unavailable)) + ">"));  // never a clean end
}
TEST(H2Connection, UnfinishedAnswerIsAnError) { run(unfinished); }

Task<void> early_answer(std::shared_ptr<H2Stream> stream) {
  http::ResponseHead head{200, {}};
  (void)stream->respond(std::move(head)).ok();
  (void)(co_await stream->write("enough")).ok();
  (void)stream->end().ok();
}

Task<void> answered_early(Env& env) {
  auto j = co_await join(env, early_answer);
  auto stream = j->requester.open(post(), false);
  const auto body = co_await read_all(**stream);
  EXPECT_EQ(body, "enough");
  const auto more = co_await (*stream)->write("more");
  EXPECT_FALSE(more.ok());
  EXPECT_TRUE((*stream)->over());
  const auto trip = co_await j->requester.ping();
  EXPECT_TRUE(trip.ok());
  EXPECT_EQ(j->server.streams(), 0U);
}
TEST(H2Connection, AnswerBeforeTheRequestEnds) { run(answered_early); }

// A peer that accepts and never says a word.
Task<void> dead_peer(Env& env) {
  Served s(env);
  auto dialled = co_await test::connect(env, s.at());
  auto silent = co_await s.listener->accept();
  H2Options options;
  options.ping_every = 5ms;
  options.ping_within = 20ms;
  H2Connection connection(env, std::move(dialled), http::H2Role::Requester, {}, options);
  TaskGroup tasks(env.executor());
  tasks.spawn(connection.run());
  auto stream = connection.open(post(), true);
  const auto head = co_await (*stream)->head();
  EXPECT_FALSE(head.ok());
  if (!head.ok()) EXPECT_EQ(head.error().code, Code::Unavailable);
  co_await tasks.join();
}
TEST(H2Connection, SilentPeerIsFoundByPing) { run(dead_peer); }

Task<void> outlived(Env& env) {
  std::shared_ptr<H2Stream> kept;
  {
    auto j = co_await join(env, echo);
    kept = *j->requester.open(post(), false);
  }
  const auto piece = co_await kept->read();
  EXPECT_FALSE(piece.ok());
  const auto sent = co_await kept->write("x");
  EXPECT_FALSE(sent.ok());
}
TEST(H2Connection, StreamMayOutliveIt) { run(outlived); }

}  // namespace
}  // namespace aigrid::io
