// Receipts: every answer has one, it names a leaf of a signed log, and whoever holds the proof can check it alone.
#include <gtest/gtest.h>

#include <set>

#include "app/audit/folder.h"
#include "app/audit/proof_file.h"
#include "app/cli/commands.h"
#include "core/audit/leaf.h"
#include "world/campaign.h"

namespace aigrid::world {
namespace {

using nlohmann::json;

io::Task<void> run_fetch(io::Env& env, io::Address at, std::string key, std::string target, io::ManagementAnswer& out,
                         bool& done) {
  io::ManagementClient client(env, at, key);
  auto answer = co_await client.call("GET", std::move(target));
  if (answer.ok()) out = std::move(*answer);
  done = true;
}

// GET at the public listener of a site's gateway.
io::ManagementAnswer fetch(WorldGrid& grid, const std::string& site, const std::string& key,
                           const std::string& target) {
  io::ManagementAnswer out;
  bool done = false;
  grid.world().spawn(site + "/client",
                     [&](io::Env& env) { return run_fetch(env, WorldGrid::public_of(site), key, target, out, done); });
  grid.world().run_until([&] { return done; }, 60s);
  return out;
}

std::shared_ptr<Asked> asked(WorldGrid& grid, const std::string& site, Ask what) {
  auto one = grid.ask(site, std::move(what));
  EXPECT_TRUE(grid.wait_over({one}, 60s));
  return one;
}

grid::RequestLeaf proven(WorldGrid& grid, const std::string& site, const std::string& key, const Asked& one) {
  const auto answer = fetch(grid, site, key, "/v1/grid/requests/" + one.request_id + "/proof");
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto file = audit::decode_proof_file(answer.body);
  EXPECT_TRUE(file.ok());
  EXPECT_EQ(file->receipt, one.receipt);
  const auto leaf = audit::check(*file, {});
  EXPECT_TRUE(leaf.ok()) << leaf.error().message;
  if (!leaf.ok()) return {};
  return std::get<grid::RequestLeaf>(leaf->body);
}

TEST(Receipts, EveryAnswerHasOneThatVerifies) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  for (const bool stream : {true, false}) {
    Ask what;
    what.key = grid.free_key();
    what.stream = stream;
    const auto one = asked(grid, "paris", what);
    ASSERT_EQ(one->status, 200) << one->why;
    EXPECT_TRUE(one->receipt.starts_with("FR.paris-gw/paris-gw/")) << one->receipt;
    const auto leaf = proven(grid, "paris", grid.free_key(), *one);
    EXPECT_EQ(leaf.request_id, one->request_id);
    EXPECT_EQ(leaf.outcome, grid::Outcome::Finished);
    EXPECT_EQ(leaf.usage.completion_tokens, one->tokens);
    ASSERT_EQ(leaf.route.size(), 3U);
    EXPECT_EQ(leaf.route[1].site, one->site);
    EXPECT_EQ(leaf.attempts.back().node, one->node);
    EXPECT_EQ(leaf.request_hash.size(), 32U);
    EXPECT_EQ(leaf.answer_hash.size(), 32U);
    EXPECT_EQ(leaf.bundle_hash.size(), 32U);
    EXPECT_EQ(leaf.gateway_certificate.size(), 32U);
  }
}

TEST(Receipts, DenialsAreLeavesToo) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  struct Denial {
    const char* model;
    const char* intent;
    int status;
  };
  for (const auto& denial : std::vector<Denial>{{"small", "zone=\"nowhere\"", 403},
                                                {"none", "", 404},
                                                {"small", "zone=\"ch\"", 403},
                                                {"small", "only=(\"nowhere\")", 0},
                                                {"small", "ttft-ms=1;require", 0}}) {
    Ask what;
    what.key = grid.fr_key();
    what.model = denial.model;
    what.intent = denial.intent;
    const auto one = asked(grid, "lyon", what);
    if (denial.status != 0) {
      EXPECT_EQ(one->status, denial.status) << denial.intent << one->why;
    }
    ASSERT_FALSE(one->receipt.empty()) << one->why;
    const auto leaf = proven(grid, "lyon", grid.fr_key(), *one);
    EXPECT_EQ(leaf.status, static_cast<std::uint64_t>(one->status));
    EXPECT_EQ(leaf.code, one->code);
    if (one->status != 200) {
      EXPECT_TRUE(leaf.attempts.empty());
    }
  }
}

TEST(Receipts, AreShownToTheirTenantAlone) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  Ask what;
  what.key = grid.fr_key();
  const auto one = asked(grid, "paris", what);
  ASSERT_EQ(one->status, 200);
  const std::string target = "/v1/grid/requests/" + one->request_id;
  const auto mine = fetch(grid, "paris", grid.fr_key(), target);
  ASSERT_EQ(mine.status, 200) << mine.body;
  const auto shown = json::parse(mine.body);
  EXPECT_EQ(shown["id"], one->request_id);
  EXPECT_EQ(shown["receipt"], one->receipt);
  EXPECT_EQ(shown["decision"]["route"][1]["site"], one->site);
  EXPECT_EQ(shown["timeline"]["attempts"][0]["result"], "ok");
  // Another tenant's and none at all look the same.
  for (const std::string end : {"", "/proof"}) {
    const auto other = fetch(grid, "paris", grid.free_key(), target + end);
    const std::string none_id = "req_paris-gw_1_999999";
    const auto none = fetch(grid, "paris", grid.free_key(), "/v1/grid/requests/" + none_id + end);
    EXPECT_EQ(other.status, 404);
    EXPECT_EQ(none.status, 404);
    const auto error = [](const io::ManagementAnswer& a) { return json::parse(a.body)["error"]["code"]; };
    EXPECT_EQ(error(other), error(none));
  }
  EXPECT_EQ(fetch(grid, "paris", "agk1_wrong", target).status, 401);
  EXPECT_EQ(fetch(grid, "paris", grid.fr_key(), "/v1/grid/requests/nonsense").status, 404);
  // Another gateway says where it lies.
  const auto elsewhere = fetch(grid, "lyon", grid.fr_key(), target);
  EXPECT_EQ(elsewhere.status, 421) << elsewhere.body;
  EXPECT_NE(elsewhere.body.find(WorldGrid::public_of("paris") + target), std::string::npos) << elsewhere.body;
}

// The log goes on over restarts, and what was answered before a power cut is there or was never acknowledged whole.
TEST(Receipts, OutliveTheirGateway) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  Ask what;
  what.key = grid.free_key();
  const auto before = asked(grid, "paris", what);
  ASSERT_EQ(before->status, 200);
  grid.world().run_for(100ms);
  grid.world().kill(WorldGrid::gateway_host("paris"), true);
  grid.restart_gateway("paris");
  ASSERT_TRUE(grid.wait_ready());
  const auto after = asked(grid, "paris", what);
  ASSERT_EQ(after->status, 200) << after->why;
  EXPECT_EQ(proven(grid, "paris", grid.free_key(), *before).request_id, before->request_id);
  EXPECT_EQ(proven(grid, "paris", grid.free_key(), *after).request_id, after->request_id);
}

// Two gateways behind one port: whichever is asked knows where the answer lies.
TEST(Receipts, AreFoundThroughAnyGatewayOfTheSite) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  options.gateways = {{"lyon", 2}};
  WorldGrid grid(std::move(options));
  ASSERT_TRUE(grid.start());
  for (int i = 0; i < 8; ++i) {
    Ask what;
    what.key = grid.free_key();
    const auto one = asked(grid, "lyon", what);
    ASSERT_EQ(one->status, 200) << one->why;
    for (int again = 0; again < 4; ++again) {
      EXPECT_EQ(proven(grid, "lyon", grid.free_key(), *one).request_id, one->request_id);
    }
  }
}

constexpr const char* kExport = "/export";

io::Task<void> run_export(io::Env& env, std::string folder, std::string& said, int& code) {
  cli::Writer writer([&said](io::StandardStream, std::string_view text) {
    said += text;
    return Result<void>();
  });
  cli::AuditExportOptions options;
  options.access.management = WorldGrid::management();
  options.access.admin_key = WorldGrid::admin_key();
  options.folder = std::move(folder);
  code = co_await cli::run_audit_export(env, writer, std::move(options));
}

audit::ReadFile reader_of(io::Env& env, const std::string& folder) {
  return [&env, folder](const std::string& path) { return env.files().read_all(folder + "/" + path); };
}

// Every log of the grid, as the admin's command writes it.
void export_all(WorldGrid& grid, const std::string& folder) {
  std::string said;
  int code = -1;
  grid.world().spawn("control/admin", [&](io::Env& env) { return run_export(env, folder, said, code); });
  grid.world().run_until([&] { return code >= 0; }, 120s);
  EXPECT_EQ(code, 0) << said;
}

// By receipt.
std::map<std::string, grid::RequestLeaf> leaves_of(const audit::ReadFile& read, const audit::FolderVerdict& verdict) {
  std::map<std::string, grid::RequestLeaf> out;
  for (const auto& log : verdict.logs) {
    for (const auto& name : audit::tiles_of(0, log.verdict.size)) {
      const auto text = read("log/" + log.log + "/tile/" + audit::entries_path(name));
      EXPECT_TRUE(text.ok());
      const auto entries = audit::parse_entries(*text);
      for (const auto entry : *entries) {
        const auto leaf = audit::decode_leaf(entry);
        if (const auto* request = std::get_if<grid::RequestLeaf>(&leaf->body)) {
          out[audit::format_receipt({log.log, leaf->source, leaf->epoch, leaf->sequence})] = *request;
        }
      }
    }
  }
  return out;
}

std::string told(const audit::FolderVerdict& verdict) {
  std::string out;
  for (const auto& problem : verdict.problems) out += problem + "\n";
  for (const auto& log : verdict.logs) {
    for (const auto& f : log.verdict.findings) out += log.log + " " + std::to_string(f.index) + ": " + f.what + "\n";
  }
  return out;
}

// The same of workers; and a log of all that they wrote stands every check.
TEST(Receipts, AreFoundThroughAnyWorkerOfAGateway) {
  GridOptions options;
  options.sites = {"lyon", "zurich"};
  options.workers = {{"lyon", 4}};
  WorldGrid grid(std::move(options));
  ASSERT_TRUE(grid.start());
  std::set<std::string> sources;
  for (int i = 0; i < 16; ++i) {
    Ask what;
    what.key = grid.free_key();
    const auto one = asked(grid, "lyon", what);
    ASSERT_EQ(one->status, 200) << one->why;
    sources.insert(one->request_id.substr(0, one->request_id.find('_', 4)));
    for (int again = 0; again < 4; ++again) {
      EXPECT_EQ(proven(grid, "lyon", grid.free_key(), *one).request_id, one->request_id);
    }
  }
  EXPECT_EQ(sources.size(), 4U);
  export_all(grid, kExport);
  const auto read = reader_of(grid.world().env("control/admin"), kExport);
  const auto verdict = audit::verify_folder(read, {});
  ASSERT_TRUE(verdict.ok()) << verdict.error().message;
  EXPECT_TRUE(verdict->ok()) << told(*verdict);
  EXPECT_EQ(leaves_of(read, *verdict).size(), 16U);
}

// A thousand requests and a site killed in the middle: every whole answer's receipt names a leaf that says what its
// client saw, and every log verifies with no network.
TEST(Receipts, OfACampaignAreAllInLogsThatVerify) {
  CampaignOptions options;
  options.seed = 7;
  Campaign campaign(options);
  campaign.run();
  WorldGrid& grid = campaign.grid();
  export_all(grid, kExport);
  const auto read = reader_of(grid.world().env("control/admin"), kExport);
  const auto verdict = audit::verify_folder(read, {});
  ASSERT_TRUE(verdict.ok()) << verdict.error().message;
  EXPECT_TRUE(verdict->ok()) << told(*verdict);
  EXPECT_EQ(verdict->logs.size(), 4U);  // control's, and each gateway's
  const auto leaves = leaves_of(read, *verdict);
  std::size_t whole = 0;
  for (const auto& asked : campaign.asked()) {
    if (!asked->complete) continue;
    ++whole;
    const auto leaf = leaves.find(asked->receipt);
    ASSERT_NE(leaf, leaves.end()) << asked->request_id << " " << asked->receipt;
    EXPECT_EQ(leaf->second.request_id, asked->request_id);
    EXPECT_EQ(leaf->second.status, static_cast<std::uint64_t>(asked->status));
    if (asked->status == 200) {
      EXPECT_EQ(leaf->second.usage.completion_tokens, asked->tokens);
    }
  }
  EXPECT_GT(whole, 900U);
}

// A gateway whose ingress does not filter sends requests of France to Zurich: the node denies each, and the log shows
// it.
TEST(Receipts, ALyingGatewayIsNamedByItsOwnLog) {
  GridOptions options;
  options.gateway = [](const std::string& host, gateway::GatewayOptions& o) {
    o.skip_residency = host == "zurich/gateway";
  };
  WorldGrid grid(std::move(options));
  ASSERT_TRUE(grid.start());
  grid.kill_site("paris");
  grid.kill_site("lyon");
  Ask what;
  what.key = grid.fr_key();
  const auto one = asked(grid, "zurich", what);
  EXPECT_NE(one->status, 200);
  grid.restart_site("paris");
  grid.restart_site("lyon");
  ASSERT_TRUE(grid.wait_ready());
  export_all(grid, kExport);
  const auto verdict = audit::verify_folder(reader_of(grid.world().env("control/admin"), kExport), {});
  ASSERT_TRUE(verdict.ok());
  EXPECT_FALSE(verdict->ok());
  EXPECT_NE(told(*verdict).find("CH.zurich-gw"), std::string::npos) << told(*verdict);
  EXPECT_NE(told(*verdict).find("went to zurich, where it may not"), std::string::npos) << told(*verdict);
}

// Both ends of every link sign what they measured; what is faster than light is said.
TEST(Distances, AreLeavesOfTheGatewayWithTheLowerName) {
  GridOptions options;
  options.gateway = [](const std::string&, gateway::GatewayOptions& o) { o.cadence.audit.distance_every = 5s; };
  WorldGrid grid(std::move(options));
  ASSERT_TRUE(grid.start());
  grid.world().run_for(12s);
  export_all(grid, kExport);
  const auto read = reader_of(grid.world().env("control/admin"), kExport);
  const auto verdict = audit::verify_folder(read, {});
  ASSERT_TRUE(verdict.ok());
  EXPECT_TRUE(verdict->ok()) << told(*verdict);
  std::map<std::string, std::uint64_t> distances;
  for (const auto& log : verdict->logs) distances[log.log] = log.verdict.distances;
  EXPECT_GE(distances["FR.lyon-gw"], 4U);   // to paris, to zurich, twice
  EXPECT_GE(distances["FR.paris-gw"], 2U);  // to zurich
  EXPECT_EQ(distances["CH.zurich-gw"], 0U);
  for (const auto& log : verdict->logs) {
    for (const auto& doubt : log.verdict.doubts) EXPECT_NE(doubt.what.find("km apart"), std::string::npos);
  }
}

// What a restored backup of a gateway would show: control has seen more.
TEST(Witness, ControlSeesALogThatShrank) {
  WorldGrid grid;
  ASSERT_TRUE(grid.start());
  Ask what;
  what.key = grid.free_key();
  for (int i = 0; i < 3; ++i) asked(grid, "paris", what);
  grid.world().run_for(10s);
  const auto pass = grid.call("POST", "/api/v1/audit/pass");
  ASSERT_EQ(pass.status, 201) << pass.body;
  bool seen = false;
  const json given = json::parse(pass.body);
  for (const auto& g : given["gateways"]) seen = seen || g.contains("checkpoint");
  EXPECT_TRUE(seen) << pass.body;
  // The database goes, the key stays: a log that begins anew.
  grid.world().kill("paris/gateway");
  auto& files = grid.world().restart("paris/gateway").files();
  const std::string folder = "/var/paris-gw/audit/FR.paris-gw";
  ASSERT_TRUE(files.remove(folder + "/log.db").ok()) << grid.world().log_of("paris/gateway");
  grid.restart_gateway("paris");
  ASSERT_TRUE(grid.wait_ready());
  asked(grid, "paris", what);
  grid.world().run_for(10s);
  EXPECT_NE(grid.world().log_of("control/control").find("audit_log_inconsistent"), std::string::npos);
  EXPECT_NE(grid.world().log_of("paris/gateway").find("audit_log_not_witnessed"), std::string::npos);
}

}  // namespace
}  // namespace aigrid::world
