// The node as a member of the grid: bundles, static stability, stopping, telemetry.
#include <gmock/gmock.h>

#include "agent/agent_world.h"
#include "app/agent/telemetry.h"
#include "io/http/client.h"

namespace aigrid::agent::test {
namespace {

using testing::HasSubstr;

TEST(Node, ServesFromTheLastBundleOnDiskWhenNobodyIsThere) {
  AgentWorld grid;
  grid.up();
  grid.world.kill(AgentWorld::kGateway);
  grid.world.restart(AgentWorld::kNode);
  grid.start_agent();
  // No gateway, no control: engines start all the same.
  ASSERT_TRUE(grid.world.run_until([&] { return grid.engines.listening().size() == 2; }, 20s)) << grid.log();
  EXPECT_THAT(grid.log(), HasSubstr("\"from_disk\":true"));
  grid.world.restart(AgentWorld::kGateway);
  grid.report = {};
  grid.start_gateway();
  ASSERT_TRUE(grid.all_ready(20s));
  Trial trial = grid.chat_trial("hello", 2, true);
  grid.run(trial);
  EXPECT_TRUE(trial.end);
}

TEST(Node, RefusesABadBundleAndKeepsTheOldOne) {
  AgentWorld grid;
  grid.up();
  const std::string good = grid.signing;
  grid.signing = std::string(32, 'x');
  grid.push();
  ASSERT_TRUE(grid.world.run_until(
      [&] { return !grid.bundle_answers.empty() && grid.bundle_answers.back().find("refused") != std::string::npos; },
      5s));
  EXPECT_EQ(grid.report.bundle_version, 1U);
  grid.signing = good;
  grid.push();
  EXPECT_TRUE(grid.world.run_until([&] { return grid.report.bundle_version == grid.version; }, 5s)) << grid.log();
  EXPECT_THAT(grid.bundle_answers.back(), HasSubstr("applied"));
}

TEST(Node, ReportsEvery100MsAndAtEveryEnd) {
  AgentWorld grid;
  grid.up();
  grid.world.run_for(1s);
  const auto before = grid.reports;
  grid.world.run_for(2s);
  EXPECT_NEAR(static_cast<double>(grid.reports - before), 20, 3);
  Trial trial = grid.chat_trial("hello", 3, true);
  grid.run(trial);
  EXPECT_TRUE(grid.world.run_until([&] { return grid.engine("chat").running == 0; }, 20ms));
  EXPECT_EQ(grid.report.power_w.value, 0);
  EXPECT_TRUE(grid.report.power_w.estimated);
  EXPECT_FALSE(grid.report.temperature_c.has);  // no reading, not zero
}

TEST(Node, AGracefulStopLetsRunningAttemptsEnd) {
  AgentWorld grid;
  grid.up();
  Trial trial = grid.chat_trial("tell me", 24, true);
  grid.begin(trial);
  ASSERT_TRUE(grid.world.run_until([&] { return trial.tokens > 0; }, 5s));
  grid.world.stop(AgentWorld::kNode);
  grid.world.run_for(1ms);
  Trial late = grid.chat_trial("more", 24, true);
  grid.run(late);
  ASSERT_TRUE(late.refuse);
  EXPECT_EQ(late.refuse->code, "draining");
  EXPECT_EQ(late.refuse->verdict, inner::Refuse::Verdict::Elsewhere);
  grid.finish(trial);
  EXPECT_EQ(trial.end->finish, "stop");
  ASSERT_TRUE(grid.world.run_until([&] { return grid.exit_code.has_value(); }, 20s)) << grid.log();
  EXPECT_EQ(*grid.exit_code, 0);
  EXPECT_TRUE(grid.engines.listening().empty());
}

io::Task<void> get(io::Env& env, std::string path, io::WholeResponse* out, bool* done) {
  auto response = co_await io::http1_request(env, "127.0.0.1:9100", {"GET", path, {}}, "");
  if (response.ok()) {
    out->head = response->head;
    auto body = co_await response->read_all(1U << 20U);
    if (body.ok()) out->body = *body;
  }
  *done = true;
}

TEST(Node, OpsListenerSaysWhatIsNotReadyAndCountsDenials) {
  AgentWorld grid;
  grid.options.ops = "127.0.0.1:9100";
  grid.engines.script_of("chat").load = 5s;
  grid.start_gateway();
  grid.start_agent();
  ASSERT_TRUE(grid.world.run_until([&] { return grid.pushes != nullptr; }, 10s)) << grid.log();
  const auto fetch = [&](const std::string& path) {
    io::WholeResponse out;
    bool done = false;
    grid.world.spawn(AgentWorld::kNode, [&](io::Env& env) { return get(env, path, &out, &done); });
    EXPECT_TRUE(grid.world.run_until([&] { return done; }, 5s));
    return out;
  };
  EXPECT_EQ(fetch("/readyz").head.status, 503);
  grid.push();
  grid.world.run_for(1s);
  EXPECT_THAT(fetch("/readyz").body, HasSubstr("engine of deployment \"chat\" is starting"));
  ASSERT_TRUE(grid.all_ready()) << grid.log();
  EXPECT_EQ(fetch("/readyz").head.status, 200);
  Trial trial = grid.chat_trial("x", 1, true, "swiss");
  grid.run(trial);
  EXPECT_THAT(fetch("/metrics").body, HasSubstr("aigrid_node_residency_denials_total 1"));
}

TEST(Telemetry, ReadsRecordedTreesAndSaysWhatIsMissing) {
  io::VirtualWorld world(1);
  io::Env& env = world.add_host("a/n");
  const auto put = [&](const std::string& path, const std::string& text) {
    ASSERT_TRUE(env.files().make_folders(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(env.files().replace(path, text).ok());
  };
  Telemetry telemetry(env, "/rec", "/rec");
  inner::NodeReport report;
  telemetry.read({});
  telemetry.fill(report, nullptr);
  EXPECT_FALSE(report.cpu.has || report.power_w.has || report.temperature_c.has || report.memory_used_bytes.has);
  put("/rec/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\n");
  put("/rec/proc/meminfo", "MemTotal:       1000 kB\nMemFree: 100 kB\nMemAvailable:    400 kB\n");
  put("/rec/sys/class/hwmon/hwmon0/temp1_input", "41000\n");
  put("/rec/sys/class/hwmon/hwmon1/temp2_input", "63500\n");
  put("/rec/sys/class/powercap/intel-rapl:0/energy_uj", "1000000\n");
  put("/rec/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850\n");
  put("/rec/sys/class/powercap/intel-rapl:0:0/energy_uj", "500000\n");
  world.set_free_bytes("a/n", 0);
  telemetry.read({});
  telemetry.fill(report, nullptr);
  EXPECT_EQ(report.disk_fill.value, 1);
  world.set_free_bytes("a/n", *env.files().total_bytes("/rec") * 3);
  world.run_for(2s);
  put("/rec/proc/stat", "cpu  150 0 150 900 0 0 0 0 0 0\n");
  put("/rec/sys/class/powercap/intel-rapl:0/energy_uj", "101000000\n");
  put("/rec/sys/class/powercap/intel-rapl:0:0/energy_uj", "90000000\n");
  telemetry.read({});
  telemetry.fill(report, nullptr);
  EXPECT_NEAR(report.cpu.value, 0.5, 0.01);
  ASSERT_TRUE(report.disk_fill.has);
  EXPECT_NEAR(report.disk_fill.value, 0.25, 0.01);
  EXPECT_EQ(report.memory_used_bytes.value, 600 * 1024);
  EXPECT_EQ(report.temperature_c.value, 63.5);
  EXPECT_NEAR(report.power_w.value, 50, 0.01);  // the package alone: its parts are in it
  EXPECT_FALSE(report.power_w.estimated);
}

TEST(Telemetry, PowerFallsBackToNameplateTimesLoadAndSaysSo) {
  io::VirtualWorld world(1);
  Telemetry telemetry(world.add_host("a/n"), "/none", "/");
  telemetry.read({});
  inner::NodeReport report;
  inner::EngineReport engine;
  engine.state = "ready";
  engine.slots = 4;
  engine.running = 1;
  report.engines = {engine};
  grid::Node node;
  node.nameplate_w = 400;
  node.idle_w = 100;
  telemetry.fill(report, &node);
  EXPECT_EQ(report.load.value, 0.25);
  EXPECT_EQ(report.power_w.value, 175);
  EXPECT_TRUE(report.power_w.estimated);
}

TEST(Telemetry, GpusCountIntoPowerAndTemperature) {
  io::VirtualWorld world(1);
  io::Env& env = world.add_host("a/n");
  Telemetry telemetry(env, "/none", "/");
  io::GpuReading first{"NVIDIA H200", 300.5, 61.0, 0.42, 1000, 4000};
  telemetry.read({first, {"silent", {}, {}, {}, {}, {}}});
  inner::NodeReport report;
  telemetry.fill(report, nullptr);
  ASSERT_EQ(report.gpus.size(), 2U);
  EXPECT_EQ(report.gpus[0].memory_used_bytes.value, 1000);
  EXPECT_FALSE(report.gpus[1].power_w.has || report.gpus[1].busy.has);
  EXPECT_EQ(report.temperature_c.value, 61);
  EXPECT_EQ(report.power_w.value, 300.5);  // the packages are not known: at least this
  EXPECT_TRUE(report.power_w.estimated);
  grid::Node node;
  node.nameplate_w = 700;
  node.idle_w = 400;
  telemetry.fill(report, &node);
  EXPECT_EQ(report.power_w.value, 400);
  telemetry.read({});
  telemetry.fill(report, nullptr);
  EXPECT_FALSE(report.power_w.has || report.temperature_c.has);
  EXPECT_TRUE(report.gpus.empty());
}

}  // namespace
}  // namespace aigrid::agent::test
