#include "app/up/supervisor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "app/cli/resource_files.h"
#include "app/up/line_socket.h"
#include "base/crypto/encode.h"
#include "base/crypto/token.h"
#include "format/json/json.h"
#include "io/env/own_process.h"
#include "io/http/client.h"

namespace aigrid::up {

namespace {

constexpr std::size_t kSecretBytes = 24;
constexpr std::size_t kTailBytes = 2000;

// The end of a process's log, for a person who asks why it died.
std::string tail(io::Files& files, const std::string& path) {
  auto text = files.read_all(path);
  if (!text.ok() || text->empty()) return "its log is empty: " + path;
  const std::size_t from = text->size() > kTailBytes ? text->find('\n', text->size() - kTailBytes) + 1 : 0;
  return "the end of " + path + ":\n" + text->substr(from);
}

}  // namespace

Supervisor::Supervisor(io::Env& env, cli::Writer& writer, const UpOptions& options)
    : env_(env),
      writer_(writer),
      options_(options),
      program_(io::own_program()),
      step_(env.now()),
      children_(env, [this](const std::string& name, io::ExitStatus status) { died(name, status); }),
      sockets_(env.executor()) {}

void Supervisor::done(const std::string& what) {
  writer_.note(fmt::format("✓ {} ({:.1f} s)", what, to_ms_f(env_.now() - step_) / 1000));
  step_ = env_.now();
}

void Supervisor::died(const std::string& name, io::ExitStatus status) {
  writer_.note(fmt::format("{} ended with {}; aigrid up restart {} starts it again", name, describe(status), name));
  if (!up_)
    deaths_.push_back(fmt::format("{} ended with {}; {}", name, describe(status),
                                  tail(env_.files(), process_log(options_.state, name))));
  write_marks();
}

Result<void> Supervisor::nobody_died() const {
  if (deaths_.empty()) return {};
  return internal(deaths_.front());
}

Result<void> Supervisor::save() { return env_.files().replace(remembered_file(options_.state), encode(remembered_)); }

void Supervisor::write_marks() {
  std::string text;
  std::vector<int> pids{env_.pid()};
  for (const auto& name : children_.names()) pids.push_back(children_.pid(name));
  for (const int pid : pids) {
    const auto mark = pid == 0 ? Result<io::ProcessMark>(io::ProcessMark{}) : io::process_mark(env_.files(), pid);
    if (pid != 0 && mark.ok()) text += fmt::format("{} {}\n", mark->pid, mark->started);
  }
  auto written = env_.files().replace(mark_file(options_.state), text);
  if (!written.ok()) env_.log().warn("marks_not_written", {{"why", written.error().message}});
}

Result<void> Supervisor::prepare() {
  io::Files& files = env_.files();
  AIGRID_TRY(auto read, cli::read_resources(files, {options_.config}));
  if (!read.problems.empty()) {
    std::string text;
    for (const auto& problem : read.problems) text += (text.empty() ? "" : "\n") + api::to_text(problem);
    return invalid(text);
  }
  AIGRID_TRY(plan_, make_plan(std::move(read.resources), options_.limits.control_rtt_ms, options_.gateways));
  auto kept = files.read_all(remembered_file(options_.state));
  if (kept.ok()) {
    auto decoded = decode_remembered(*kept);
    if (!decoded.ok()) {
      return invalid("cannot use " + remembered_file(options_.state) + ": " + decoded.error().message +
                     "; remove the folder " + options_.state + " to start afresh");
    }
    remembered_ = std::move(*decoded);
  }
  if (remembered_.admin_key.empty()) remembered_.admin_key = random_hex(env_, kSecretBytes);
  if (remembered_.engine_secret.empty()) remembered_.engine_secret = random_hex(env_, kSecretBytes);
  AIGRID_CHECK_OK(pick_addresses());
  return save();
}

Result<void> Supervisor::pick_addresses() {
  Ports ports(env_, remembered_, options_.limits);
  AIGRID_TRY(at_.management, ports.pick("control.management"));
  AIGRID_TRY(at_.control_inner, ports.pick("control.inner"));
  AIGRID_TRY(at_.control_ops, ports.pick("control.ops"));
  for (const auto& gateway : plan_.gateways) {
    GatewayAddresses& one = at_.gateways[gateway.name];
    if (gateway.name == gateway.site) {
      AIGRID_TRY(one.open, ports.pick(gateway.site + ".public"));
    } else {
      one.open = at_.gateways.at(gateway.site).open;
    }
    AIGRID_TRY(one.inner, ports.pick(gateway.name + ".inner"));
    AIGRID_TRY(one.ops, ports.pick(gateway.name + ".ops"));
  }
  for (const auto& node : plan_.inventory.nodes) {
    AIGRID_TRY(at_.agents_ops[node.name], ports.pick(node.name + ".node-ops"));
  }
  for (const auto& link : plan_.links) {
    if (link.control()) {
      AIGRID_TRY(at_.relays[link.name()], ports.pick("relay." + link.name()));
    }
    for (const auto& target : plan_.gateways) {
      if (link.control() || target.site != link.b) continue;
      const std::string relay = relay_name(link, target);
      AIGRID_TRY(at_.relays[relay], ports.pick("relay." + relay));
    }
  }
  return {};
}

Result<void> Supervisor::start_relay(const PlannedLink& link, const io::Address& listen, const io::Address& target) {
  const UpLimits& limits = options_.limits;
  RelayOptions options;
  options.listen = listen;
  options.target = target;
  options.felt.delay = from_ms_f(link.rtt_ms / 2);
  options.limits = {limits.relay_bytes, limits.relay_piece, limits.dial_within};
  auto relay = std::make_unique<Relay>(env_, std::move(options));
  AIGRID_CHECK_OK(relay->start());
  relays_[link.name()].push_back(std::move(relay));
  return {};
}

Result<void> Supervisor::start_relays() {
  for (const auto& link : plan_.links) {
    if (link.control()) AIGRID_CHECK_OK(start_relay(link, at_.relays.at(link.name()), at_.control_inner));
    for (const auto& target : plan_.gateways) {
      if (link.control() || target.site != link.b) continue;
      const io::Address& inner = at_.gateways.at(target.name).inner;
      AIGRID_CHECK_OK(start_relay(link, at_.relays.at(relay_name(link, target)), inner));
    }
    AIGRID_TRY(auto listener, env_.listen("unix:" + relay_socket(options_.state, link.name()), {}));
    sockets_.spawn(serve_lines(env_, std::move(listener), [all = &relays_[link.name()]](std::string_view line) {
      std::string said;
      for (const auto& relay : *all) said = relay->command(line);  // all of one link feel the same
      return said;
    }));
  }
  return {};
}

Result<void> Supervisor::start_member(const std::string& process, io::ProcessSpec spec) {
  AIGRID_CHECK_OK(env_.files().make_folders(process_folder(options_.state, process)));
  return children_.start(process, std::move(spec));
}

io::Task<Result<void>> Supervisor::start_control() {
  AIGRID_CO_CHECK_OK(start_member("control", control_process(program_, options_, at_, remembered_)));
  write_marks();
  management_.emplace(env_, at_.management, remembered_.admin_key);
  const Time until = env_.now() + options_.limits.control_start;
  for (;;) {
    auto answer = co_await management_->call("GET", "/api/v1/sites", {}, {}, options_.limits.ask_within);
    if (answer.ok() && answer->ok()) co_return Result<void>();
    AIGRID_CO_CHECK_OK(nobody_died());
    if (env_.now() > until) {
      co_return internal("the control plane does not answer at " + at_.management + ": " +
                         (answer.ok() ? io::describe_problem(*answer) : answer.error().message) + "; " +
                         tail(env_.files(), process_log(options_.state, "control")));
    }
    co_await env_.sleep_for(options_.limits.look_every);
  }
}

io::Task<Result<void>> Supervisor::apply() {
  const std::string body = cli::apply_body(with_dial(plan_, at_.relays));
  auto answer = co_await management_->call("POST", "/api/v1/apply", body, {}, options_.limits.apply_within);
  if (!answer.ok()) co_return std::move(answer).error();
  if (answer->ok()) co_return Result<void>();
  const auto problems = cli::problems_of(answer->body);
  if (problems.empty()) co_return invalid("control refused the configuration: " + io::describe_problem(*answer));
  co_return invalid(fmt::format("{}", fmt::join(problems, "\n")));
}

io::Task<Result<std::string>> Supervisor::token(const char* role, const std::string& site, const std::string& name) {
  const std::string body =
      json::dump({{"role", role}, {"site", site}, {"name", name}, {"ttl_s", options_.limits.token_seconds}});
  auto answer = co_await management_->call("POST", "/api/v1/join-tokens", body, {}, options_.limits.ask_within);
  if (!answer.ok()) co_return std::move(answer).error();
  if (!answer->ok()) co_return invalid("no join token for " + name + ": " + io::describe_problem(*answer));
  AIGRID_CO_TRY(const auto value, json::parse(answer->body));
  std::string text;
  json::Reader(value).get("token", text);
  co_return text;
}

io::Task<Result<void>> Supervisor::start_members() {
  // Who has joined keeps its identity in its own folder; gone with the folder, it joins again.
  const auto joined = [this](const std::string& process) {
    return remembered_.joined.contains(process) && env_.files().stat(process_folder(options_.state, process)).ok();
  };
  for (const auto& gateway : plan_.gateways) {
    const std::string process = gateway_process(gateway.name);
    std::string secret;
    if (!joined(process)) {
      AIGRID_CO_TRY(secret, co_await token("gateway", gateway.site, gateway.name));
    }
    AIGRID_CO_CHECK_OK(start_member(process, gateway_process(program_, options_, at_, gateway, secret)));
  }
  for (const auto& node : plan_.inventory.nodes) {
    const std::string process = agent_process(node.name);
    std::string secret;
    if (!joined(process)) {
      AIGRID_CO_TRY(secret, co_await token("agent", node.site, node.name));
    }
    AIGRID_CO_CHECK_OK(
        start_member(process, agent_process(program_, options_, at_, node, secret, remembered_.engine_secret)));
  }
  write_marks();
  co_return Result<void>();
}

io::Task<Result<void>> Supervisor::make_key(const std::string& tenant) {
  const std::string body = json::dump({{"tenant", tenant}});
  auto answer = co_await management_->call("POST", "/api/v1/api-keys", body, {}, options_.limits.ask_within);
  if (!answer.ok()) co_return std::move(answer).error();
  if (!answer->ok()) co_return invalid("no key for tenant " + tenant + ": " + io::describe_problem(*answer));
  AIGRID_CO_TRY(const auto value, json::parse(answer->body));
  json::Reader(value).get("key", remembered_.tenant_keys[tenant]);
  co_return Result<void>();
}

io::Task<Result<void>> Supervisor::make_keys() {
  for (const auto& tenant : plan_.inventory.tenants) {
    const auto kept = remembered_.tenant_keys.find(tenant.name);
    if (kept != remembered_.tenant_keys.end()) {
      const auto key = crypto::parse_api_key(kept->second);
      const std::string kid = key.ok() ? crypto::hex(key->kid) : "none";
      auto answer = co_await management_->call("GET", "/api/v1/api-keys/" + kid, {}, {}, options_.limits.ask_within);
      if (!answer.ok()) co_return std::move(answer).error();
      if (answer->ok() && answer->body.find("\"revoked\":true") == std::string::npos) continue;
    }
    AIGRID_CO_CHECK_OK(co_await make_key(tenant.name));
  }
  co_return save();
}

io::Task<Result<std::vector<std::string>>> Supervisor::unready_gateways() {
  std::vector<std::string> out;
  io::ClientTimes times;
  times.head = options_.limits.ask_within;
  times.piece = options_.limits.ask_within;
  for (const auto& [name, at] : at_.gateways) {
    auto answer = co_await io::http1_request(env_, at.ops, {"GET", "/readyz", {}}, {}, times);
    if (answer.ok() && answer->head.status == 200) continue;
    std::string why = answer.ok() ? "" : answer.error().message;
    if (answer.ok()) {
      auto body = co_await answer->read_all(options_.limits.answer_bytes);
      if (body.ok()) why = std::move(*body);
    }
    while (why.ends_with('\n')) why.pop_back();
    out.push_back("gateway " + name + ": " + why);
  }
  co_return out;
}

io::Task<Result<EnginesStatus>> Supervisor::wait_ready() {
  const Time until = env_.now() + options_.limits.ready_within;
  for (;;) {
    AIGRID_CO_CHECK_OK(nobody_died());
    std::vector<std::string> missing;
    auto answer = co_await management_->call("GET", "/api/v1/status", {}, {}, options_.limits.ask_within);
    Result<EnginesStatus> engines = EnginesStatus{};
    if (answer.ok()) {
      engines = engines_status(answer->body, plan_.inventory, remembered_.engine_secret);
      if (!engines.ok()) co_return engines;
      missing = engines->missing;
    } else {
      missing.push_back("the control plane: " + answer.error().message);
    }
    auto gateways = co_await unready_gateways();
    if (gateways.ok()) missing.insert(missing.begin(), gateways->begin(), gateways->end());
    if (missing.empty()) co_return engines;
    writer_.live(fmt::format("… {} not ready yet: {}", missing.size(), missing.front()));
    if (env_.now() > until) {
      co_return internal(fmt::format("the grid is not ready after {} s:\n{}\nlogs: {}/<process>/log",
                                     to_ms(options_.limits.ready_within) / 1000, fmt::join(missing, "\n"),
                                     options_.state));
    }
    co_await env_.sleep_for(options_.limits.look_every);
  }
}

io::Task<Result<GridReport>> Supervisor::bring_up() {
  AIGRID_CO_CHECK_OK(prepare());
  AIGRID_CO_CHECK_OK(start_relays());
  AIGRID_CO_CHECK_OK(co_await start_control());
  done("control plane");
  AIGRID_CO_CHECK_OK(co_await apply());
  AIGRID_CO_CHECK_OK(co_await start_members());
  AIGRID_CO_CHECK_OK(co_await make_keys());
  done(fmt::format("{} sites and {} nodes started, configuration applied", plan_.inventory.sites.size(),
                   plan_.inventory.nodes.size()));
  AIGRID_CO_TRY(const EnginesStatus engines, co_await wait_ready());
  done("every gateway routes, every engine answers");
  up_ = true;
  for (const auto& name : children_.names()) {
    if (name != "control") remembered_.joined.insert(name);
  }
  AIGRID_CO_CHECK_OK(save());
  co_return report(engines);
}

GridReport Supervisor::report(const EnginesStatus& engines) const {
  GridReport out;
  out.bin = program_;
  out.management = "http://" + at_.management;
  out.admin_key = remembered_.admin_key;
  out.env = {
      {"AIGRID_MANAGEMENT", out.management}, {"AIGRID_ADMIN_KEY", out.admin_key}, {"AIGRID_STATE", options_.state}};
  out.chat_model = plan_.chat_model;
  out.embedding_model = plan_.embedding_model;
  out.control_pid = children_.pid("control");
  for (const auto& site : plan_.inventory.sites) {
    ReportedSite one{site.name, site.country, "http://" + at_.gateways.at(site.name).open, {}};
    for (const auto& gateway : plan_.gateways) {
      if (gateway.site == site.name) one.pids.push_back(children_.pid(gateway_process(gateway.name)));
    }
    for (const auto& node : plan_.inventory.nodes) {
      if (node.site == site.name) one.pids.push_back(children_.pid(agent_process(node.name)));
    }
    out.sites.push_back(std::move(one));
  }
  for (const auto& node : plan_.inventory.nodes) {
    const auto found = engines.by_node.find(node.name);
    out.nodes.push_back({node.name, node.site, children_.pid(agent_process(node.name)),
                         found == engines.by_node.end() ? std::vector<ReportedEngine>() : found->second});
  }
  for (const auto& tenant : plan_.inventory.tenants) {
    out.tenants.push_back({tenant.name, remembered_.tenant_keys.at(tenant.name), tenant.zone});
  }
  for (const auto& link : plan_.links) out.links.push_back({link.a, link.b, relay_socket(options_.state, link.name())});
  return out;
}

io::Task<Result<std::optional<cli::ChatOutcome>>> Supervisor::ask(const GridReport& report) {
  using Out = std::optional<cli::ChatOutcome>;
  if (report.chat_model.empty() || report.tenants.empty()) co_return Out();
  cli::ChatAsk ask;
  ask.gateway = report.sites.front().gateway;
  ask.key = demo_tenant(report).key;
  ask.model = report.chat_model;
  ask.message = options_.limits.question;
  ask.max_tokens = options_.limits.chat_tokens;
  ask.temperature = 0;
  ask.within = options_.limits.chat_within;
  auto outcome = co_await cli::ask_chat(env_, std::move(ask), {});
  if (!outcome.ok()) co_return internal("the grid is up, but its first answer failed: " + outcome.error().message);
  done("a first answer");
  co_return Out(std::move(*outcome));
}

std::string Supervisor::command(std::string_view line) {
  constexpr std::string_view kRestart = "restart ";
  if (line.starts_with(kRestart)) {
    auto pid = children_.restart(std::string(line.substr(kRestart.size())));
    write_marks();
    return pid.ok() ? "ok " + std::to_string(*pid) : "error " + pid.error().message;
  }
  if (line == "show") {
    std::string out = "ok";
    for (const auto& name : children_.names()) out += fmt::format(" {}={}", name, children_.pid(name));
    return out;
  }
  return "error unknown command \"" + std::string(line) + "\": write restart NAME, show or stop";
}

io::Task<void> Supervisor::stop() {
  sockets_.cancel();
  co_await children_.stop(options_.limits.stop_within);
}

}  // namespace aigrid::up
