// What the supervisor says when a little grid does not come up. Its processes are scripted programs of a virtual world,
// under the name of this very program, as `up` starts its own.
#include "app/up/supervisor.h"

#include <gtest/gtest.h>

#include "io/env/own_process.h"
#include "io/env/virtual_world.h"
#include "io/http/server.h"

namespace aigrid::up {
namespace {

constexpr const char* kSite = R"(
apiVersion: aigrid/v1
kind: Operator
metadata: {name: firm}
spec: {legal_name: Firm, control: [FR]}
---
apiVersion: aigrid/v1
kind: Site
metadata: {name: paris}
spec: {kind: metro, operator: firm, country: FR, jurisdiction: FR, lat: 1, lon: 1}
)";

std::string after(const std::vector<std::string>& argv, const std::string& flag) {
  const auto found = std::find(argv.begin(), argv.end(), flag);
  return found == argv.end() ? "" : *(found + 1);
}

// How control behaves.
enum class Control { Dies, Silent, RefusesToken };

io::Task<void> answer(io::Exchange& exchange) {
  auto body = co_await exchange.read_body(1 << 20U);
  EXPECT_TRUE(body.ok());
  const bool token = exchange.head().target == "/api/v1/join-tokens";
  auto sent = co_await exchange.respond(token ? 409 : 200, {{"content-type", "application/json"}},
                                        token ? R"({"code":"conflict","detail":"no such site"})" : "{}");
  EXPECT_TRUE(sent.ok());
}

io::Task<int> control(io::Env& env, io::ProcessSpec spec, Control how) {
  if (how == Control::Dies) {
    env.log().fail("cannot_start", {{"why", "the disk is on fire"}});
    co_return 4;
  }
  if (how == Control::Silent) co_await env.stop_requested().wait();
  if (how == Control::Silent) co_return 0;
  auto listener = env.listen(after(spec.argv, "--management"), {});
  EXPECT_TRUE(listener.ok());
  io::TaskGroup connections(env.executor());
  co_await io::serve_listener(env, **listener, connections, {}, answer);
  co_return 0;
}

struct Outcome {
  std::string error;
  std::string notes;
  Duration took{};
};

Outcome bring_up(Control how, const std::string& yaml = kSite) {
  io::VirtualWorld world(1);
  world.add_host("a/up");
  const std::string own = io::own_program();
  world.register_program(own.substr(own.rfind('/') + 1),
                         [how](io::Env& env, io::ProcessSpec spec) { return control(env, std::move(spec), how); });
  Outcome out;
  bool done = false;
  const auto body = [&](io::Env& env) -> io::Task<void> {
    EXPECT_TRUE(env.files().make_folders("/config").ok());
    EXPECT_TRUE(env.files().make_folders("/state/up").ok());
    EXPECT_TRUE(env.files().replace("/config/site.yaml", yaml).ok());
    UpOptions options;
    options.config = "/config";
    options.state = "/state";
    cli::Writer writer([&](io::StandardStream, std::string_view text) {
      out.notes += text;
      return Result<void>();
    });
    Supervisor supervisor(env, writer, options);
    const Time begun = env.now();
    auto report = co_await supervisor.bring_up();
    out.took = env.now() - begun;
    EXPECT_FALSE(report.ok());
    if (!report.ok()) out.error = report.error().message;
    EXPECT_EQ(supervisor.command("sing"), "error unknown command \"sing\": write restart NAME, show or stop");
    co_await supervisor.stop();
    EXPECT_EQ(supervisor.command("show").substr(0, 2), "ok");
    done = true;
  };
  world.spawn("a/up", body);
  EXPECT_TRUE(world.run_until([&] { return done; }, 600s));
  return out;
}

TEST(Supervisor, names_the_process_that_died_and_the_end_of_its_log) {
  const Outcome out = bring_up(Control::Dies);
  EXPECT_NE(out.error.find("control ended with exit code 4"), std::string::npos) << out.error;
  EXPECT_NE(out.error.find("the disk is on fire"), std::string::npos) << out.error;
  EXPECT_LT(out.took, UpLimits().control_start) << "it waits no longer than it must";
  EXPECT_NE(out.notes.find("aigrid up restart control"), std::string::npos) << out.notes;
}

TEST(Supervisor, gives_up_on_a_control_plane_that_does_not_answer) {
  const Outcome out = bring_up(Control::Silent);
  EXPECT_NE(out.error.find("does not answer at 127.0.0.1:"), std::string::npos) << out.error;
  EXPECT_GE(out.took, UpLimits().control_start);
}

TEST(Supervisor, passes_on_what_control_refuses) {
  const Outcome out = bring_up(Control::RefusesToken);
  EXPECT_NE(out.error.find("no join token for paris: 409 conflict: no such site"), std::string::npos) << out.error;
}

TEST(Supervisor, shows_every_problem_of_the_configuration_and_starts_nothing) {
  const Outcome out = bring_up(Control::Dies, "apiVersion: aigrid/v1\nkind: Sight\nmetadata: {name: a}\nspec: {}\n");
  EXPECT_NE(out.error.find("site.yaml:"), std::string::npos) << out.error;
  EXPECT_NE(out.error.find("Sight"), std::string::npos) << out.error;
  EXPECT_EQ(out.notes, "");
}

}  // namespace
}  // namespace aigrid::up
