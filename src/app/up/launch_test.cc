#include "app/up/launch.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace aigrid::up {
namespace {

Addresses addresses() {
  Addresses at;
  at.management = "127.0.0.1:1";
  at.control_inner = "127.0.0.1:2";
  at.control_ops = "127.0.0.1:3";
  at.gateways["paris"] = {"127.0.0.1:4", "127.0.0.1:5", "127.0.0.1:6"};
  at.agents_ops["paris-1"] = "127.0.0.1:7";
  at.relays["paris-control"] = "127.0.0.1:8";
  return at;
}

// The value after `flag`.
std::string value(const io::ProcessSpec& spec, const std::string& flag) {
  const auto found = std::find(spec.argv.begin(), spec.argv.end(), flag);
  return found == spec.argv.end() || found + 1 == spec.argv.end() ? "" : *(found + 1);
}

bool says(const io::ProcessSpec& spec, const std::string& secret) {
  return std::any_of(spec.argv.begin(), spec.argv.end(),
                     [&](const std::string& word) { return word.find(secret) != std::string::npos; });
}

std::string variable(const io::ProcessSpec& spec, const std::string& name) {
  for (const auto& [key, value] : spec.env) {
    if (key == name) return value;
  }
  return "(not set)";
}

grid::Node paris_1() {
  grid::Node out;
  out.name = "paris-1";
  out.site = "paris";
  return out;
}

UpOptions options() {
  UpOptions out;
  out.state = "/state";
  out.python = "/py";
  return out;
}

TEST(Launch, a_gateway_dials_control_through_its_relay_and_knows_no_other_folder) {
  const auto spec = gateway_process("aigrid", options(), addresses(), {"paris", "paris"}, "the-token");
  EXPECT_EQ(value(spec, "--state"), "/state/gateway-paris");
  EXPECT_EQ(spec.output_file, "/state/gateway-paris/log");
  EXPECT_EQ(value(spec, "--control"), "127.0.0.1:8");
  EXPECT_EQ(value(spec, "--public-address"), "127.0.0.1:4");
  EXPECT_FALSE(says(spec, "127.0.0.1:2")) << "control's own address would go round the relay";
}

TEST(Launch, gateways_of_one_site_share_its_public_port) {
  Addresses at = addresses();
  at.gateways["paris-2"] = {"127.0.0.1:4", "127.0.0.1:9", "127.0.0.1:10"};
  const auto spec = gateway_process("aigrid", options(), at, {"paris-2", "paris", true}, "");
  EXPECT_EQ(value(spec, "--state"), "/state/gateway-paris-2");
  EXPECT_EQ(value(spec, "--public-address"), "127.0.0.1:4");
  EXPECT_EQ(value(spec, "--inner"), "127.0.0.1:9");
  EXPECT_EQ(value(spec, "--control"), "127.0.0.1:8");
  EXPECT_EQ(spec.argv.back(), "--share-public-port");
}

TEST(Launch, gateways_have_as_many_workers_as_asked_for) {
  UpOptions more = options();
  EXPECT_EQ(value(gateway_process("aigrid", more, addresses(), {"paris", "paris"}, ""), "--workers"), "");
  more.workers = 3;
  EXPECT_EQ(value(gateway_process("aigrid", more, addresses(), {"paris", "paris"}, ""), "--workers"), "3");
}

TEST(Launch, secrets_stand_in_no_command_line) {
  Remembered remembered;
  remembered.admin_key = "the-admin-key";
  const auto control = control_process("aigrid", options(), addresses(), remembered);
  const auto gateway = gateway_process("aigrid", options(), addresses(), {"paris", "paris"}, "the-token");
  const auto agent = agent_process("aigrid", options(), addresses(), paris_1(), "the-token", "the-engine-secret");
  EXPECT_EQ(variable(control, "AIGRID_ADMIN_KEY"), "the-admin-key");
  EXPECT_EQ(variable(gateway, "AIGRID_JOIN_TOKEN"), "the-token");
  EXPECT_EQ(variable(agent, "AIGRID_ENGINE_SECRET"), "the-engine-secret");
  for (const auto& spec : {control, gateway, agent}) {
    EXPECT_FALSE(says(spec, "the-")) << spec.argv[1];
  }
  // What `up` itself was started with is not handed down.
  EXPECT_EQ(variable(gateway, "AIGRID_ADMIN_KEY"), "");
  EXPECT_EQ(variable(agent, "AIGRID_ADMIN_KEY"), "");
}

TEST(Launch, an_agent_gets_its_gateway_and_only_what_was_given) {
  const auto spec = agent_process("aigrid", options(), addresses(), paris_1(), "", "");
  EXPECT_EQ(value(spec, "--gateway"), "127.0.0.1:5");
  EXPECT_EQ(value(spec, "--python"), "/py");
  EXPECT_EQ(std::count(spec.argv.begin(), spec.argv.end(), "--models-folder"), 0) << "no flag without a value";
}

}  // namespace
}  // namespace aigrid::up
