#include "app/cli/command_line.h"

#include <gtest/gtest.h>

namespace aigrid::cli {
namespace {

template <class T>
T expect(std::vector<std::string> arguments) {
  Command command = read_command_line(std::move(arguments));
  if (auto* said = std::get_if<Said>(&command)) ADD_FAILURE() << said->text;
  T* value = std::get_if<T>(&command);
  EXPECT_NE(value, nullptr);
  return value == nullptr ? T() : *value;
}

Said said(std::vector<std::string> arguments) {
  Command command = read_command_line(std::move(arguments));
  auto* value = std::get_if<Said>(&command);
  EXPECT_NE(value, nullptr);
  return value == nullptr ? Said() : *value;
}

TEST(CommandLine, reads_processes) {
  const auto gateway = expect<gateway::GatewayOptions>({"gateway", "--state", "/s", "--name", "g", "--control",
                                                        "127.0.0.1:1", "--public-address", "127.0.0.1:2", "--ops",
                                                        "127.0.0.1:3", "--token", "agj1_x", "--workers", "4"});
  EXPECT_EQ(gateway.workers, 4U);
  EXPECT_EQ(gateway.public_address, "127.0.0.1:2");
  EXPECT_EQ(gateway.token, "agj1_x");
  const auto agent = expect<agent::AgentOptions>({"agent", "--state", "/s", "--name", "n", "--gateway", "127.0.0.1:1",
                                                  "--engines-folder", "e", "--models-folder", "m"});
  EXPECT_EQ(agent.engines_folder, "e");
  const auto control =
      expect<control::ControlOptions>({"control", "--state", "/s", "--management", "127.0.0.1:1", "--inner",
                                       "127.0.0.1:2", "--certificate-lifetime", "20s", "--admin-key", "k"});
  EXPECT_EQ(control.certificate_lifetime, 20s);
  EXPECT_EQ(control.admin_key, "k");
}

TEST(CommandLine, reads_up_and_what_works_its_relays) {
  const auto up = expect<up::UpOptions>({"up", "--config", "c", "--state", "s", "--detach", "--json", "--no-chat"});
  EXPECT_TRUE(up.detach && up.json && up.no_chat && !up.supervised);
  EXPECT_EQ(up.config, "c");
  const auto several = expect<up::UpOptions>({"up", "--gateways", "lyon=2", "--gateways", "paris=3"});
  EXPECT_EQ(several.gateways, (std::map<std::string, int>{{"lyon", 2}, {"paris", 3}}));
  for (const char* wrong : {"lyon", "=2", "lyon=0", "lyon=9", "lyon=x", "lyon="}) {
    EXPECT_EQ(said({"up", "--gateways", wrong}).code, 2) << wrong;
  }
  EXPECT_EQ(expect<up::UpOptions>({"up", "--workers", "2"}).workers, 2U);
  for (const char* wrong : {"0", "1025", "-1", "x", ""}) EXPECT_EQ(said({"up", "--workers", wrong}).code, 2) << wrong;
  const auto link = expect<up::LinkOptions>(
      {"up", "link", "paris", "control", "--delay-ms", "25", "--jitter-ms", "2", "--state", "s"});
  EXPECT_EQ(link.command, "delay 25 jitter 2");
  EXPECT_EQ(link.b, "control");
  EXPECT_EQ(expect<up::LinkOptions>({"up", "link", "a", "b", "--cut"}).command, "cut");
  EXPECT_EQ(expect<up::LinkOptions>({"up", "link", "a", "b", "--restore"}).command, "restore");
  EXPECT_EQ(expect<up::LinkOptions>({"up", "link", "a", "b"}).command, "show");
  EXPECT_EQ(expect<up::RestartOptions>({"up", "restart", "gateway-paris"}).name, "gateway-paris");
  EXPECT_EQ(said({"up", "link", "a", "b", "--cut", "--restore"}).code, 2);
}

TEST(CommandLine, reads_nouns_and_verbs) {
  const auto token = expect<TokenOptions>(
      {"token", "create", "--role", "agent", "--site", "lyon", "--name", "lyon-1", "--ttl", "15m"});
  EXPECT_EQ(token.seconds, 900);
  EXPECT_EQ(token.site, "lyon");
  const auto key = expect<KeyCreateOptions>({"key", "create", "--tenant", "acme", "-o", "json"});
  EXPECT_TRUE(key.json);
  EXPECT_EQ(expect<KeyRevokeOptions>({"key", "revoke", "00ff"}).kid, "00ff");
  EXPECT_EQ(expect<AdminOptions>({"admin", "create", "anna"}).what, AdminOptions::What::Create);
  EXPECT_EQ(expect<AdminOptions>({"admin", "revoke", "anna"}).name, "anna");
  EXPECT_EQ(expect<AdminOptions>({"admin", "list"}).what, AdminOptions::What::List);
  EXPECT_TRUE(expect<UsageOptions>({"usage", "--json"}).json);
  const auto usage = expect<UsageOptions>({"usage", "--by", "site,day", "--from", "2026-11-01", "--settlement"});
  EXPECT_EQ(usage.by, (std::vector<std::string>{"site", "day"}));
  EXPECT_EQ(usage.from, "2026-11-01");
  EXPECT_TRUE(usage.settlement);
  EXPECT_EQ(expect<GetOptions>({"get", "sites", "paris", "-o", "yaml"}).output, "yaml");
  EXPECT_EQ(expect<GetOptions>({"get", "sites", "--json"}).output, "json");
  const auto apply = expect<ApplyOptions>({"apply", "-f", "a", "-f", "b", "--dry-run", "--management", "http://h"});
  EXPECT_EQ(apply.files, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(apply.access.management, "http://h");
  EXPECT_EQ(expect<ChatOptions>({"chat", "hello there", "--zone", "fr"}).message, "hello there");
}

TEST(CommandLine, says_what_was_meant) {
  EXPECT_EQ(said({"aply", "-f", "x"}).code, 2);
  EXPECT_NE(said({"aply", "-f", "x"}).text.find("did you mean apply?"), std::string::npos)
      << said({"aply", "-f", "x"}).text;
  EXPECT_NE(said({"key", "crate"}).text.find("did you mean create?"), std::string::npos) << said({"key", "crate"}).text;
  EXPECT_NE(said({"usage", "--jsn"}).text.find("did you mean --json?"), std::string::npos)
      << said({"usage", "--jsn"}).text;
  EXPECT_EQ(said({}).code, 2);
  EXPECT_EQ(said({"gateway", "--state", "x"}).code, 2);
  EXPECT_NE(said({"gateway", "--state", "x"}).text.find("--name"), std::string::npos);
  EXPECT_NE(said({"token", "create", "--role", "king", "--site", "x"}).text.find("king"), std::string::npos);
  EXPECT_NE(said({"token", "create", "--role", "agent", "--site", "x", "--ttl", "9"}).text.find("90s, 15m"),
            std::string::npos);
}

TEST(CommandLine, helps) {
  EXPECT_EQ(said({"--help"}).code, 0);
  for (const char* name : {"up", "down", "control", "gateway", "agent", "probe", "apply", "get", "token", "key", "chat",
                           "usage", "status", "audit", "version"}) {
    EXPECT_NE(said({"--help"}).text.find(name), std::string::npos) << name;
  }
  EXPECT_NE(said({"chat", "--help"}).text.find("--zone"), std::string::npos);
}

TEST(CommandLine, reads_spans_of_time) {
  EXPECT_EQ(*parse_seconds("90s"), 90);
  EXPECT_EQ(*parse_seconds("7d"), 604800);
  for (const char* bad : {"", "s", "0s", "-1s", "1", "1w", "99999999999999999d", "1.5h"})
    EXPECT_FALSE(parse_seconds(bad).ok()) << bad;
}

TEST(CommandLine, reads_cordon_and_drain) {
  const auto cordon = expect<CordonOptions>({"cordon", "site", "paris"});
  EXPECT_EQ(cordon.what, "site");
  EXPECT_EQ(cordon.name, "paris");
  EXPECT_TRUE(cordon.closed);
  EXPECT_FALSE(expect<CordonOptions>({"uncordon", "node", "paris-1"}).closed);
  const auto drain = expect<DrainOptions>({"drain", "node", "paris-1", "--within", "2m", "--force"});
  EXPECT_EQ(drain.seconds, 120);
  EXPECT_TRUE(drain.force);
  EXPECT_TRUE(expect<DrainOptions>({"drain", "site", "paris", "--forecast"}).forecast);
  EXPECT_TRUE(expect<DrainOptions>({"drain", "site", "paris", "--abort"}).abort);
  EXPECT_EQ(said({"drain", "rack", "paris"}).code, 2);
  EXPECT_EQ(said({"drain", "site", "paris", "--forecast", "--abort"}).code, 2);
}

TEST(CommandLine, reads_audit) {
  const auto fetch = expect<AuditExportOptions>({"audit", "export", "out", "--https"});
  EXPECT_EQ(fetch.folder, "out");
  EXPECT_TRUE(fetch.https);
  const auto verify =
      expect<AuditVerifyOptions>({"audit", "verify", "out", "--key", "a", "--key", "b", "--checkpoint", "c", "--json"});
  EXPECT_EQ(verify.path, "out");
  EXPECT_EQ(verify.keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(verify.checkpoints, std::vector<std::string>{"c"});
  EXPECT_TRUE(verify.json);
  EXPECT_EQ(said({"audit"}).code, 2);
  EXPECT_EQ(said({"audit", "verify"}).code, 2);
}

}  // namespace
}  // namespace aigrid::cli
