#include "io/env/own_process.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <sstream>

#include "io/env/env.h"
#include "io/env/system_error.h"

namespace aigrid::io {

std::string own_program() {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t n = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
}

std::string absolute_path(const std::string& path) {
  if (path.starts_with('/')) return path;
  std::array<char, PATH_MAX> buffer{};
  if (::getcwd(buffer.data(), buffer.size()) == nullptr) return path;
  const std::string folder = buffer.data();
  return path.empty() || path == "." ? folder : folder + (folder.ends_with('/') ? "" : "/") + path;
}

Result<ProcessMark> parse_process_stat(const std::string& text) {
  // "123 (any (name)) S …": the name may hold anything, so fields are counted after its last bracket.
  const auto bracket = text.rfind(')');
  ProcessMark mark;
  std::istringstream front(text);
  if (bracket == std::string::npos || !(front >> mark.pid)) return internal("a process's stat cannot be read");
  std::istringstream rest(text.substr(bracket + 1));
  std::string state;
  std::string skipped;
  rest >> state;
  constexpr int kBetweenStateAndStart = 18;
  for (int i = 0; i < kBetweenStateAndStart; ++i) rest >> skipped;
  if (!(rest >> mark.started)) return internal("a process's stat cannot be read");
  if (state == "Z" || state == "X") {
    return Error{Code::NotFound, Origin::Self, Retry::Never, "process " + std::to_string(mark.pid) + " has ended"};
  }
  return mark;
}

Result<ProcessMark> process_mark(Files& files, int pid) {
  auto text = files.read_all("/proc/" + std::to_string(pid) + "/stat");
  if (!text.ok()) {
    return Error{Code::NotFound, Origin::Self, Retry::Never, "there is no process " + std::to_string(pid)};
  }
  return parse_process_stat(*text);
}

Result<void> end_process(Files& files, const ProcessMark& mark, bool at_once) {
  AIGRID_TRY(const ProcessMark now, process_mark(files, mark.pid));
  if (now != mark) {
    return Error{Code::NotFound, Origin::Self, Retry::Never,
                 "process " + std::to_string(mark.pid) + " is another one now"};
  }
  if (::kill(mark.pid, at_once ? SIGKILL : SIGTERM) != 0) {
    return system_error(errno, "cannot end process " + std::to_string(mark.pid));
  }
  return {};
}

}  // namespace aigrid::io
