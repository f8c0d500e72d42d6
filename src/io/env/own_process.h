// What a program may know about itself and its machine's processes. Any thread. Errors: NotFound for a process that is
// not there.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace aigrid::io {

class Files;

// The path of the running program.
std::string own_program();
// `path` from the root, by the working directory; not resolved further.
std::string absolute_path(const std::string& path);

// A process that no later one with the same number can be taken for.
struct ProcessMark {
  int pid = 0;
  std::uint64_t started = 0;  // clock ticks since boot
  bool operator==(const ProcessMark&) const = default;
};
// Of a running process (not of one that has ended and waits to be reaped).
Result<ProcessMark> process_mark(Files& files, int pid);
Result<ProcessMark> parse_process_stat(const std::string& text);  // of /proc/PID/stat

// SIGTERM (or SIGKILL) to a process that is none of our children. NotFound if the mark no longer fits.
Result<void> end_process(Files& files, const ProcessMark& mark, bool at_once);

}  // namespace aigrid::io
