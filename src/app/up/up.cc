#include "app/up/up.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "app/up/line_socket.h"
#include "app/up/marks.h"
#include "app/up/supervisor.h"
#include "format/json/json.h"
#include "io/env/own_process.h"

namespace aigrid::up {

namespace {

// What the tasks of one run tell its main line.
struct Outcome {
  explicit Outcome(io::Executor& executor) : changed(executor) {}
  io::Event changed;
  bool stop = false;
  bool failed = false;
};

io::Task<void> watch_stop(io::Env& env, Outcome& outcome) {
  co_await env.stop_requested().wait();
  outcome.stop = true;
  outcome.changed.set();
}

std::string sentence(const cli::ChatOutcome& answer) {
  return fmt::format("  ran at {}{}{}", answer.site, answer.node.empty() ? "" : " on " + answer.node,
                     answer.why.empty() ? "" : ": " + answer.why);
}

std::string farewell(const GridReport& report, const UpOptions& options) {
  const ReportedTenant* bound = nullptr;
  for (const auto& tenant : report.tenants) {
    if (!tenant.zone.empty() && bound == nullptr) bound = &tenant;
  }
  const std::string url = report.sites.front().gateway + "/v1";
  const std::string key = report.tenants.empty() ? "KEY" : demo_tenant(report).key;
  const std::string model = report.chat_model.empty() ? "MODEL" : report.chat_model;
  std::string out = fmt::format("\ngateway  {}\nkey      {}\n", url, key);
  if (bound != nullptr)
    out += fmt::format("key      {}  (tenant {}: zone {} only)\n", bound->key, bound->name, bound->zone);
  out += fmt::format(
      "\ncurl -s {}/chat/completions -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d "
      "'{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}],\"max_tokens\":{},\"temperature\":0}"
      "}'\n",
      url, key, model, options.limits.question, options.limits.chat_tokens);
  out += fmt::format(
      "\npython3 -c 'from openai import OpenAI; print(OpenAI(base_url=\"{}\", api_key=\"{}\").chat.completions.create("
      "model=\"{}\", max_tokens={}, temperature=0, messages=[{{\"role\": \"user\", \"content\": "
      "\"{}\"}}]).choices[0].message.content)'\n",
      url, key, model, options.limits.chat_tokens, options.limits.question);
  return out;
}

io::Task<Result<void>> bring_up(io::Env& env, cli::Writer& writer, const UpOptions& options, Supervisor& supervisor) {
  auto report = co_await supervisor.bring_up();
  if (!report.ok()) co_return std::move(report).error();
  std::optional<cli::ChatOutcome> answer;
  if (!options.no_chat) {
    AIGRID_CO_TRY(answer, co_await supervisor.ask(*report));
  }
  const std::string text = encode(*report);
  if (options.json && !options.supervised) {
    writer.out(text);
  } else {
    std::string shown;
    if (answer) shown = fmt::format("\n  {}\n  {}\n{}\n", options.limits.question, answer->text, sentence(*answer));
    shown += farewell(*report, options);
    if (!options.supervised) shown += "\nCtrl-C stops it.\n";
    writer.out(shown);
  }
  supervisor.write_marks();
  co_return env.files().replace(report_file(options.state), text);  // last: whoever sees it may use the grid
}

io::Task<void> bring_up_and_tell(io::Env& env, cli::Writer& writer, const UpOptions& options, Supervisor& supervisor,
                                 Outcome& outcome) {
  auto up = co_await bring_up(env, writer, options, supervisor);
  if (up.ok()) co_return;
  writer.note("error: " + up.error().message);
  outcome.failed = true;
  outcome.changed.set();
}

io::Task<int> supervise(io::Env& env, cli::Writer& writer, const UpOptions& options) {
  Outcome outcome(env.executor());
  Supervisor supervisor(env, writer, options);
  auto listener = env.listen("unix:" + command_socket(options.state), {});
  if (!listener.ok()) {
    writer.note("error: " + listener.error().message);
    co_return 1;
  }
  supervisor.write_marks();
  io::TaskGroup tasks(env.executor());
  tasks.spawn(watch_stop(env, outcome));
  tasks.spawn(serve_lines(env, std::move(*listener), [&](std::string_view line) {
    if (line != "stop") return supervisor.command(line);
    outcome.stop = true;
    outcome.changed.set();
    return std::string("ok stopping");
  }));
  tasks.spawn(bring_up_and_tell(env, writer, options, supervisor, outcome));
  while (!outcome.stop && !outcome.failed) co_await outcome.changed.wait();
  auto removed = env.files().remove(report_file(options.state));
  if (outcome.stop) writer.note("stopping the grid");
  co_await supervisor.stop();
  tasks.cancel();
  (void)removed.ok();  // it is only there once the grid was ready
  removed = env.files().remove(mark_file(options.state));
  co_return outcome.failed ? 1 : 0;
}

std::vector<std::string> detached_command(const UpOptions& options) {
  std::vector<std::string> argv{io::own_program(), "up",      "--supervised", "--config",
                                options.config,    "--state", options.state};
  const auto add = [&argv](const char* flag, const std::string& value) {
    if (!value.empty()) argv.insert(argv.end(), {flag, value});
  };
  add("--python", options.python);
  add("--models", options.models);
  add("--engines", options.engines);
  if (options.no_chat) argv.emplace_back("--no-chat");
  add("--workers", std::to_string(options.workers));
  for (const auto& [site, count] : options.gateways) add("--gateways", site + "=" + std::to_string(count));
  return argv;
}

io::Task<void> watch_exit(io::Process& process, bool& over) {
  co_await process.wait();
  over = true;
}

// New lines of the detached grid's log that are meant for people.
std::size_t show_log(io::Env& env, cli::Writer& writer, const UpOptions& options, std::size_t from) {
  auto text = env.files().read_all(log_file(options.state));
  if (!text.ok() || text->size() <= from) return from;
  for (std::size_t end = text->find('\n', from); end != std::string::npos; end = text->find('\n', from)) {
    const std::string line = text->substr(from, end - from);
    if (!line.starts_with("{")) writer.note(line);
    from = end + 1;
  }
  return from;
}

io::Task<int> detach(io::Env& env, cli::Writer& writer, const UpOptions& options) {
  auto removed = env.files().remove(report_file(options.state));
  removed = env.files().remove(log_file(options.state));
  (void)removed.ok();  // of an earlier run, perhaps
  io::ProcessSpec spec;
  spec.argv = detached_command(options);
  spec.output_file = log_file(options.state);
  spec.dies_with_parent = false;
  spec.new_session = true;
  auto started = env.start(spec);
  if (!started.ok()) {
    writer.note("error: " + started.error().message);
    co_return 1;
  }
  bool over = false;
  io::TaskGroup tasks(env.executor());
  tasks.spawn(watch_exit(**started, over));
  std::size_t shown = 0;
  const Time until = env.now() + options.limits.detach_within;
  while (!over && !env.stop_requested().is_set() && env.now() < until) {
    auto report = env.files().read_all(report_file(options.state));
    shown = show_log(env, writer, options, shown);
    if (report.ok()) {
      if (options.json) writer.out(*report);
      tasks.cancel();
      [[maybe_unused]] const auto* left_running = started->release();  // whose destructor would end it
      co_return 0;
    }
    co_await env.sleep_for(options.limits.look_every);
  }
  show_log(env, writer, options, shown);
  if (!over) writer.note("error: the grid was not ready in time; its log is " + log_file(options.state));
  co_return 1;
}

}  // namespace

io::Task<int> run_up(io::Env& env, cli::Writer& writer, UpOptions options) {
  options.state = io::absolute_path(options.state);
  options.config = io::absolute_path(options.config);
  for (std::string* folder : {&options.engines, &options.models}) {
    if (!folder->empty()) *folder = io::absolute_path(*folder);
  }
  auto made = env.files().make_folders(own_folder(options.state));
  if (!made.ok()) {
    writer.note("error: " + made.error().message);
    co_return 1;
  }
  const auto running = running_marks(env.files(), options.state);
  if (!running.empty()) {
    writer.note(fmt::format(
        "error: a grid runs on {} already (process {}); stop it with aigrid down --state {}, or give another --state",
        options.state, running.front().pid, options.state));
    co_return 1;
  }
  if (options.detach) co_return co_await detach(env, writer, options);
  co_return co_await supervise(env, writer, options);
}

}  // namespace aigrid::up
