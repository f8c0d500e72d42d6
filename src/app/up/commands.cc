// What talks to a running grid: down, link, restart.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "app/up/line_socket.h"
#include "app/up/marks.h"
#include "app/up/report.h"
#include "app/up/up.h"
#include "base/nearest_name.h"

namespace aigrid::up {

namespace {

std::vector<io::ProcessMark> parse_marks(std::string_view text) {
  std::vector<io::ProcessMark> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    io::ProcessMark mark;
    mark.pid = static_cast<int>(std::strtol(line.c_str(), nullptr, 10));
    mark.started = std::strtoull(line.c_str() + space, nullptr, 10);
    out.push_back(mark);
  }
  return out;
}

io::Task<bool> gone_within(io::Env& env, const std::string& state, Duration within, Duration look) {
  const Time until = env.now() + within;
  while (!running_marks(env.files(), state).empty()) {
    if (env.now() > until) co_return false;
    co_await env.sleep_for(look);
  }
  co_return true;
}

void end_all(io::Env& env, const std::string& state, bool at_once) {
  for (const auto& mark : running_marks(env.files(), state)) {
    auto ended = io::end_process(env.files(), mark, at_once);
    if (!ended.ok() && ended.error().code != Code::NotFound)
      env.log().warn("not_ended", {{"why", ended.error().message}});
  }
}

// The socket of the relay between two places, in either order.
Result<std::string> find_relay(io::Env& env, const std::string& state, const std::string& a, const std::string& b) {
  AIGRID_TRY(const auto names, env.files().list(own_folder(state)));
  std::vector<std::string> relays;
  for (const auto& name : names) {
    if (name.ends_with(".sock") && name != "up.sock") relays.push_back(name.substr(0, name.size() - 5));
  }
  for (const auto& name : {a + "-" + b, b + "-" + a}) {
    if (std::find(relays.begin(), relays.end(), name) != relays.end()) return relay_socket(state, name);
  }
  const std::string near = nearest_name(a + "-" + b, relays);
  return invalid("there is no relay between \"" + a + "\" and \"" + b + "\"" +
                 (near.empty() ? ": is the grid running? (aigrid up)" : "; did you mean " + near + "?"));
}

}  // namespace

std::vector<io::ProcessMark> running_marks(io::Files& files, const std::string& state) {
  auto text = files.read_all(mark_file(state));
  std::vector<io::ProcessMark> out;
  if (!text.ok()) return out;
  for (const auto& mark : parse_marks(*text)) {
    const auto now = io::process_mark(files, mark.pid);
    if (now.ok() && *now == mark) out.push_back(mark);
  }
  return out;
}

io::Task<int> run_down(io::Env& env, cli::Writer& writer, DownOptions options) {
  const std::string state = io::absolute_path(options.state);
  const auto before = running_marks(env.files(), state);
  if (before.empty()) {
    writer.note("no grid runs on " + state);
    co_return 0;
  }
  auto asked = co_await ask_line(env, "unix:" + command_socket(state), "stop", options.limits.ask_within);
  if (!asked.ok()) end_all(env, state, false);
  // The marks' file goes with the supervisor, so its processes are looked for by what was read before.
  const Duration within = options.limits.stop_within + options.limits.ask_within;
  if (!co_await gone_within(env, state, within, options.limits.look_every)) end_all(env, state, true);
  for (const auto& mark : before) {
    const Time until = env.now() + options.limits.ask_within;
    for (auto now = io::process_mark(env.files(), mark.pid); now.ok() && *now == mark;
         now = io::process_mark(env.files(), mark.pid)) {
      if (env.now() > until) {
        writer.note(fmt::format("error: process {} does not end", mark.pid));
        co_return 1;
      }
      co_await env.sleep_for(options.limits.look_every);
    }
  }
  writer.note("the grid is down; its state stays in " + state);
  co_return 0;
}

io::Task<int> run_link(io::Env& env, cli::Writer& writer, LinkOptions options) {
  auto socket = find_relay(env, io::absolute_path(options.state), options.a, options.b);
  Result<std::string> answer{std::string()};
  if (socket.ok()) {
    answer = co_await ask_line(env, "unix:" + *socket, options.command, options.limits.ask_within);
  } else {
    answer = socket.error();
  }
  if (!answer.ok()) {
    writer.note("error: " + answer.error().message);
    co_return 1;
  }
  writer.out(options.a + " " + options.b + " " + *answer + "\n");
  co_return 0;
}

io::Task<int> run_restart(io::Env& env, cli::Writer& writer, RestartOptions options) {
  const std::string socket = command_socket(io::absolute_path(options.state));
  auto answer = co_await ask_line(env, "unix:" + socket, "restart " + options.name, options.limits.ask_within);
  if (!answer.ok()) {
    writer.note("error: " + answer.error().message);
    co_return 1;
  }
  writer.out(*answer + "\n");
  co_return 0;
}

}  // namespace aigrid::up
