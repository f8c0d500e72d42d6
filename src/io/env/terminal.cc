#include "io/env/terminal.h"

#include <unistd.h>

#include <cerrno>

#include "io/env/system_error.h"

namespace aigrid::io {

namespace {

int number_of(StandardStream stream) { return stream == StandardStream::Output ? STDOUT_FILENO : STDERR_FILENO; }

}  // namespace

bool is_terminal(StandardStream stream) { return ::isatty(number_of(stream)) == 1; }

Result<void> write_standard(StandardStream stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(number_of(stream), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return system_error(errno, stream == StandardStream::Output ? "cannot write the output" : "cannot write notes");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace aigrid::io
