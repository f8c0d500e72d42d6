// The bundle on a gateway's disk at its start: blank, truncated, forged, older. It starts in every case,
// says what was wrong, and has the newest from control again.
#include <gtest/gtest.h>

#include "format/bundle/bundle.h"
#include "io/client/identity.h"
#include "world/grid.h"

namespace aigrid::world {
namespace {

using nlohmann::json;

constexpr const char* kFile = "/var/lyon-gw/bundle";

class BundleFile : public testing::Test {
 protected:
  static GridOptions options() {
    GridOptions out;
    out.sites = {"lyon", "zurich"};
    return out;
  }
  void SetUp() override { ASSERT_TRUE(grid_.start()); }
  std::string read() { return *grid_.world().env("lyon/gateway").files().read_all(kFile); }
  void restart_with(const std::string& bytes) {
    grid_.world().kill("lyon/gateway");
    log_from_ = grid_.world().log_of("lyon/gateway").size();
    io::Env& env = grid_.world().restart("lyon/gateway");
    ASSERT_TRUE(env.files().replace(kFile, bytes).ok());
    grid_.start_gateway("lyon", "");
  }
  std::string bundle_key() {
    return io::load_identity(grid_.world().env("lyon/gateway").files(), "/var/lyon-gw")->bundle_key;
  }
  std::string log() const { return grid_.world().log_of("lyon/gateway").substr(log_from_); }
  void expect_refused_and_recovered(const std::string& why) {
    ASSERT_TRUE(grid_.wait_ready()) << log();
    EXPECT_NE(log().find("held_bundle_refused"), std::string::npos) << log();
    EXPECT_NE(log().find(why), std::string::npos) << log();
    auto asked = grid_.ask("lyon", {});
    ASSERT_TRUE(grid_.wait_over({asked}, 30s));
    EXPECT_TRUE(asked->complete) << asked->code << " " << asked->why;
    EXPECT_GT(read().size(), 100U);
  }
  WorldGrid grid_{options()};
  std::size_t log_from_ = 0;
};

TEST_F(BundleFile, Blank) {
  restart_with("");
  expect_refused_and_recovered("bundle");
}

TEST_F(BundleFile, Truncated) {
  const std::string good = read();
  restart_with(good.substr(0, good.size() / 2));
  expect_refused_and_recovered("bundle");
}

TEST_F(BundleFile, BadSignature) {
  std::string bad = read();
  auto held = bundle::decode_held(bad, bundle_key());
  ASSERT_TRUE(held.ok()) << held.error().message;
  held->manifest.signature[5] = static_cast<char>(held->manifest.signature[5] ^ 1);
  restart_with(bundle::encode(*held));
  expect_refused_and_recovered("signature");
}

TEST_F(BundleFile, OlderThanControlsIsBroughtUpToDate) {
  const std::string old = read();
  const json zone{{"apiVersion", "aigrid/v1"},
                  {"kind", "Zone"},
                  {"metadata", {{"name", "later"}}},
                  {"spec", {{"jurisdictions", {"FR"}}}}};
  ASSERT_TRUE(grid_.call("POST", "/api/v1/apply", {{"resources", {zone}}}).ok());
  grid_.world().run_for(2s);
  restart_with(old);  // its agents hold a newer one meanwhile
  ASSERT_TRUE(grid_.wait_ready()) << log();
  auto asked = grid_.ask("lyon", {});
  ASSERT_TRUE(grid_.wait_over({asked}, 30s));
  EXPECT_TRUE(asked->complete) << asked->code << " " << asked->why;
}

// Its newest one never reached the disk, and control is gone: the nodes decide by theirs, and serve.
TEST_F(BundleFile, OlderThanItsNodesItServesWithoutControl) {
  const std::string old = read();
  const json zone{{"apiVersion", "aigrid/v1"},
                  {"kind", "Zone"},
                  {"metadata", {{"name", "later"}}},
                  {"spec", {{"jurisdictions", {"FR"}}}}};
  ASSERT_TRUE(grid_.call("POST", "/api/v1/apply", {{"resources", {zone}}}).ok());
  grid_.world().run_for(2s);
  grid_.world().kill("control/control");
  restart_with(old);
  grid_.world().run_for(5s);
  auto asked = grid_.ask("lyon", {});
  ASSERT_TRUE(grid_.wait_over({asked}, 30s));
  EXPECT_TRUE(asked->complete) << asked->code << " " << asked->why;
  EXPECT_NE(log().find("bundle_behind_node"), std::string::npos) << log();
  grid_.restart_control();
  ASSERT_TRUE(grid_.wait_ready()) << log();
  asked = grid_.ask("lyon", {});
  ASSERT_TRUE(grid_.wait_over({asked}, 30s));
  EXPECT_TRUE(asked->complete) << asked->code << " " << asked->why;
}

TEST_F(BundleFile, WithoutBundleAndWithoutControlItRefusesClearly) {
  grid_.world().kill("control/control");
  restart_with("");
  grid_.world().run_for(2s);
  auto asked = grid_.ask("lyon", {});
  ASSERT_TRUE(grid_.wait_over({asked}, 30s));
  EXPECT_EQ(asked->status, 503);
  EXPECT_EQ(asked->code, "no_capacity");
}

// The same on an agent's disk: it says what was wrong, and has the newest from its gateway again.
class AgentsBundleFile : public BundleFile {
 protected:
  static constexpr const char* kAgent = "lyon/lyon-1";
  static constexpr const char* kAgentsFile = "/var/lyon-1/bundle";
  void expect_recovery_from(const std::function<void(std::string&)>& damage, const std::string& why) {
    std::string bytes = *grid_.world().env(kAgent).files().read_all(kAgentsFile);
    damage(bytes);
    grid_.world().kill(kAgent);
    const std::size_t from = grid_.world().log_of(kAgent).size();
    io::Env& env = grid_.world().restart(kAgent);
    ASSERT_TRUE(env.files().replace(kAgentsFile, bytes).ok());
    grid_.start_agent("lyon-1", "");
    ASSERT_TRUE(grid_.wait_ready()) << grid_.world().log_of(kAgent).substr(from);
    const std::string log = grid_.world().log_of(kAgent).substr(from);
    EXPECT_NE(log.find("held_bundle_refused"), std::string::npos) << log;
    EXPECT_NE(log.find(why), std::string::npos) << log;
    auto asked = grid_.ask("lyon", {});
    ASSERT_TRUE(grid_.wait_over({asked}, 30s));
    EXPECT_TRUE(asked->complete) << asked->code << " " << asked->why;
  }
};

TEST_F(AgentsBundleFile, Damaged) {
  expect_recovery_from([](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; }, "bundle");
}

TEST_F(AgentsBundleFile, Blank) {
  expect_recovery_from([](std::string& bytes) { bytes.clear(); }, "blank");
}

TEST_F(AgentsBundleFile, OfAFutureFormat) {
  expect_recovery_from([](std::string& bytes) { bytes[3] = bundle::kFormat + 1; }, "update aigrid");
}

}  // namespace
}  // namespace aigrid::world
