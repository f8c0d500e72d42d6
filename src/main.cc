// aigrid: one program. The command line says which entry point of app/ runs; it gets the real Env.
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "app/cli/command_line.h"
#include "io/env/epoll_env.h"
#include "io/pki/openssl_keys.h"
#include "io/tls/openssl_tls.h"

namespace {

using namespace aigrid;

// The table of commands: which options run what.
struct Run {
  io::Env& env;
  cli::Writer& writer;

  io::Task<int> operator()(up::UpOptions& o) const { return up::run_up(env, writer, std::move(o)); }
  io::Task<int> operator()(up::DownOptions& o) const { return up::run_down(env, writer, std::move(o)); }
  io::Task<int> operator()(up::LinkOptions& o) const { return up::run_link(env, writer, std::move(o)); }
  io::Task<int> operator()(up::RestartOptions& o) const { return up::run_restart(env, writer, std::move(o)); }
  io::Task<int> operator()(control::ControlOptions& o) const { return control::run_control(env, std::move(o)); }
  io::Task<int> operator()(gateway::GatewayOptions& o) const { return gateway::run_gateway(env, std::move(o)); }
  io::Task<int> operator()(agent::AgentOptions& o) const { return agent::run_agent(env, std::move(o)); }
  io::Task<int> operator()(agent::ProbeOptions& o) const { return probe(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::ApplyOptions& o) const { return cli::run_apply(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::GetOptions& o) const { return cli::run_get(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::AuditExportOptions& o) const {
    return cli::run_audit_export(env, writer, std::move(o));
  }
  io::Task<int> operator()(cli::AuditVerifyOptions& o) const {
    return cli::run_audit_verify(env, writer, std::move(o));
  }
  io::Task<int> operator()(cli::PolicyTestOptions& o) const { return cli::run_policy_test(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::PolicyPreviewOptions& o) const {
    return cli::run_policy_preview(env, writer, std::move(o));
  }
  io::Task<int> operator()(cli::PolicyDiffOptions& o) const { return cli::run_policy_diff(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::TokenOptions& o) const { return cli::run_token(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::KeyCreateOptions& o) const { return cli::run_key_create(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::KeyListOptions& o) const { return cli::run_key_list(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::AdminOptions& o) const { return cli::run_admin(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::KeyRevokeOptions& o) const { return cli::run_key_revoke(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::ChatOptions& o) const { return cli::run_chat(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::UsageOptions& o) const { return cli::run_usage(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::StatusOptions& o) const { return cli::run_status(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::CordonOptions& o) const { return cli::run_cordon(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::DrainOptions& o) const { return cli::run_drain(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::VersionOptions& o) const { return cli::run_version(env, writer, std::move(o)); }
  io::Task<int> operator()(cli::Said& said) const { return say(writer, said); }

  static io::Task<int> probe(io::Env& env, cli::Writer& writer, agent::ProbeOptions options) {
    const std::string line = co_await agent::probe_machine(env, std::move(options));
    writer.out(line);
    co_return 0;
  }
  static io::Task<int> say(cli::Writer& writer, cli::Said& said) {
    if (said.code == 0) writer.out(said.text);
    if (said.code != 0) writer.note(said.text);
    co_return said.code;
  }
};

// Those that run until they are asked to end, and end in their own order; the others a signal ends at once.
bool ends_in_order(const cli::Command& command) {
  return std::holds_alternative<up::UpOptions>(command) || std::holds_alternative<control::ControlOptions>(command) ||
         std::holds_alternative<gateway::GatewayOptions>(command) ||
         std::holds_alternative<agent::AgentOptions>(command);
}

}  // namespace

int main(int argc, char** argv) {
  cli::Command command = cli::read_command_line(std::vector<std::string>(argv + 1, argv + argc));
  io::EpollOptions options;
  options.tls = [](io::Env&) { return std::make_shared<io::OpenSslTls>(); };
  options.keys = [](io::Env&) { return std::make_shared<io::OpenSslKeys>(); };
  options.take_signals = ends_in_order(command);
  cli::Writer writer;
  const int code = io::run_epoll(std::move(options), std::function<io::Task<int>(io::Env&)>([&](io::Env& env) {
                                   return std::visit(Run{env, writer}, command);
                                 }));
  return code == 0 && writer.failed() ? 1 : code;
}
