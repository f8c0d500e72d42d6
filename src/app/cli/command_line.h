// The command line, read: one plain value for each command. Errors and help are values as well. CLI11 stays inside
// command_line.cc. Any thread; reads the environment once.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "app/agent/agent.h"
#include "app/cli/commands.h"
#include "app/control/control.h"
#include "app/gateway/gateway.h"
#include "app/up/up.h"

namespace aigrid::cli {

// Nothing to run: help (exit 0, to output) or a mistake in the command line (exit 2, a note).
struct Said {
  int code = 0;
  std::string text;
};

using Command =
    std::variant<Said, up::UpOptions, up::LinkOptions, up::RestartOptions, up::DownOptions, control::ControlOptions,
                 gateway::GatewayOptions, agent::AgentOptions, agent::ProbeOptions, ApplyOptions, GetOptions,
                 PolicyTestOptions, PolicyDiffOptions, PolicyPreviewOptions, TokenOptions, KeyCreateOptions,
                 KeyListOptions, KeyRevokeOptions, AdminOptions, ChatOptions, UsageOptions, StatusOptions,
                 CordonOptions, DrainOptions, AuditExportOptions, AuditVerifyOptions, VersionOptions>;

// `arguments` without the program's name.
Command read_command_line(std::vector<std::string> arguments);

// "90s", "15m", "36h", "7d" as whole seconds.
Result<std::int64_t> parse_seconds(const std::string& text);

}  // namespace aigrid::cli
