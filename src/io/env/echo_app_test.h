// A small network program for tests, written once against Env and run unchanged by every implementation.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "io/env/env.h"

namespace aigrid::io::echo {

// Echoes until the client half-closes, then half-closes too.
inline Task<void> serve_one(Env& env, std::unique_ptr<Stream> stream) {
  std::string buffer(16384, '\0');
  for (;;) {
    auto got = co_await read_some(env, *stream, buffer);
    if (!got.ok() || *got == 0) break;
    auto sent = co_await write_all(env, *stream, std::string_view(buffer).substr(0, *got));
    if (!sent.ok()) break;
  }
  stream->shutdown_write();
}

inline Task<void> serve(Env& env, Listener& listener) {
  TaskGroup sessions(env.executor());
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream.ok()) break;
    sessions.spawn(serve_one(env, std::move(*stream)));
  }
  co_await sessions.join();
}

inline std::string message(std::size_t size, unsigned salt) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 31 + salt + (i >> 8));
  return out;
}

inline Task<void> send(Env& env, Stream& stream, const std::string& text, bool& ok) {
  auto sent = co_await write_all(env, stream, text);
  ok = sent.ok();
  stream.shutdown_write();
}

// Sends `text` while reading the echo to its end; the answer.
inline Task<Result<std::string>> ask(Env& env, Address at, std::string text) {
  AIGRID_CO_TRY(auto stream, co_await env.dial(at, 5s));
  TaskGroup sending(env.executor());
  bool sent = false;
  sending.spawn(send(env, *stream, text, sent));
  std::string answer;
  std::string buffer(16384, '\0');
  for (;;) {
    AIGRID_CO_TRY(const std::size_t got, co_await read_some(env, *stream, buffer));
    if (got == 0) break;
    answer.append(buffer, 0, got);
  }
  co_await sending.join();
  EXPECT_TRUE(sent);
  co_return answer;
}

inline Task<void> ask_and_count(Env& env, Address at, unsigned salt, int& right) {
  auto text = message(65536, salt);
  auto answer = co_await ask(env, at, text);
  if (answer.ok() && *answer == text) ++right;
}

}  // namespace aigrid::io::echo
