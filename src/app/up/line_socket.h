// A unix socket on which one line is asked and one line answered ("ok …" or "error …"), for relays and for the running
// grid. One worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/env/env.h"

namespace aigrid::up {

using AnswerLine = std::function<std::string(std::string_view)>;

inline constexpr std::size_t kMaxLine = 4096;

// Answers every line of every connection until the listener is closed.
io::Task<void> serve_lines(io::Env& env, std::unique_ptr<io::Listener> listener, AnswerLine answer);
// The text after "ok"; what stands after "error" as an Error.
io::Task<Result<std::string>> ask_line(io::Env& env, io::Address at, std::string line, Duration within);

}  // namespace aigrid::up
