// Standard output and standard error as a program for people uses them: whether a terminal is there, and writing in
// order. Any thread; calls block as the terminal or pipe does. Errors: Unavailable (nobody reads any more),
// ResourceExhausted (disk full).
#pragma once

#include <string_view>

#include "base/result.h"

namespace aigrid::io {

enum class StandardStream : std::uint8_t { Output, Error };

bool is_terminal(StandardStream stream);
Result<void> write_standard(StandardStream stream, std::string_view bytes);

}  // namespace aigrid::io
