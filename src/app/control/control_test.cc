// The control plane in a virtual world: configured over HTTP, joined and asked by a gateway, restarted.
#include "app/control/test_world.h"

namespace aigrid::control {
namespace {

using namespace test;

io::Task<void> use_resources(io::Env& env, World& world) {
  co_await configure(env, world);
  const Json again = co_await call(env, "POST", "/api/v1/apply", kConfiguration, 200);
  EXPECT_EQ(again["results"][3]["action"], "unchanged");
  EXPECT_EQ(again["version"], 8);
  const Json paris = co_await call(env, "GET", "/api/v1/sites/paris", "", 200);
  EXPECT_EQ(paris["spec"]["country"], "FR");
  EXPECT_EQ(paris["status"]["conditions"][0]["reason"], "NoGateway");
  (void)co_await call(env, "GET", "/api/v1/sites/nowhere", "", 404);
  const Json list = co_await call(env, "GET", "/api/v1/sites", "", 200);
  EXPECT_EQ(list["items"].size(), 2u);

  // Optimistic concurrency, demanded where a lost update could widen who sees what.
  const std::string zone =
      R"({"apiVersion":"aigrid/v1","kind":"Zone","metadata":{"name":"fr"},"spec":{"jurisdictions":["FR","MC"]}})";
  const Json missing = co_await call(env, "PUT", "/api/v1/zones/fr", zone, 428);
  EXPECT_EQ(missing["code"], "if_match_required");
  (void)co_await call(env, "PUT", "/api/v1/zones/fr", zone, 412, {{"if-match", "\"1\""}});
  const Json held = co_await call(env, "GET", "/api/v1/zones/fr", "", 200);
  const std::string etag = "\"" + held["metadata"]["resourceVersion"].get<std::string>() + "\"";
  (void)co_await call(env, "PUT", "/api/v1/zones/fr", zone, 200, {{"if-match", etag}});

  // All problems at once, and nothing of it written.
  const Json refused = co_await call(env, "POST", "/api/v1/apply", R"({"resources":[
    {"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"nice"},
  "spec":{"kind":"edge","operator":"op","country":"FR","jurisdiction":"FR","lat":143,"lon":7},
     "source":{"file":"s.yaml","line":3}},
    {"apiVersion":"aigrid/v1","kind":"Node","metadata":{"name":"n"},
  "spec":{"site":"paris","colour":"red"},"source":{"file":"s.yaml","line":20}}]})",
                                     422);
  EXPECT_EQ(refused["code"], "invalid_configuration");
  EXPECT_EQ(refused["errors"].size(), 2u) << refused.dump(2);
  EXPECT_EQ(refused["errors"][0]["file"], "s.yaml");
  EXPECT_EQ(refused["requestId"].get<std::string>().substr(0, 4), "ctl-");
  (void)co_await call(env, "GET", "/api/v1/sites/nice", "", 404);
  // What would leave a dangling reference is refused.
  (void)co_await call(env, "DELETE", "/api/v1/operators/op", "", 422);
  (void)co_await call(env, "GET", "/api/v1/operators/op", "", 200);
  // Without the key nothing is said.
  io::ManagementClient stranger(env, kManagement, "wrong");
  auto denied = co_await stranger.call("GET", "/api/v1/sites");
  EXPECT_EQ(denied->status, 401);
}

TEST(Control, KeepsResourcesByTheRules) {
  World world(1);
  world.run_on("cli", use_resources);
}

io::Task<void> follow_bundles(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  EXPECT_EQ(membership->name(), (Spiffe{"testgrid", Role::Gateway, "paris", "gw"}));
  const Json gateway = co_await call(env, "GET", "/api/v1/gateways/gw", "", 200);
  EXPECT_EQ(gateway["spec"]["inner_address"], "10.0.0.2:81");

  std::vector<std::string> kids;
  for (int i = 0; i < 20; ++i) {
    const Json made = co_await call(env, "POST", "/api/v1/api-keys", R"({"tenant":"acme"})", 201);
    kids.push_back(made["kid"]);
    const auto parsed = crypto::parse_api_key(made["key"].get<std::string>());
    EXPECT_TRUE(parsed.ok());
    if (parsed.ok()) EXPECT_EQ(crypto::hex(parsed->kid), kids.back());
  }
  (void)co_await call(env, "POST", "/api/v1/api-keys", R"({"tenant":"nobody"})", 422);

  Connected control = co_await connect(env, *membership);
  bundle::Held held;
  BundleReader reader(*control.connection, held);
  co_await reader.start();
  std::size_t first_size = 0;
  auto inventory = bundle::inventory(held);
  while (inventory->keys.size() < 20) {  // writes may come in several versions
    const std::string first = co_await reader.next();
    EXPECT_FALSE(first.empty());
    if (first.empty()) co_return;
    first_size += first.size();
    held = apply_update(held, first, *membership);
    inventory = bundle::inventory(held);
  }
  EXPECT_EQ(inventory->keys.size(), 20u);
  EXPECT_EQ(inventory->gateways.size(), 1u);

  const Time before = env.now();
  (void)co_await call(env, "POST", "/api/v1/api-keys/" + kids[7] + "/revoke", "", 200);
  const std::string second = co_await reader.next();
  EXPECT_LT(env.now() - before, 1s);
  EXPECT_LT(second.size(), first_size / 2);
  held = apply_update(held, second, *membership);
  inventory = bundle::inventory(held);
  for (const auto& key : inventory->keys) EXPECT_EQ(key.revoked, key.kid == kids[7]);

  // A second reader that holds the newest gets nothing until there is something new.
  BundleReader late(*control.connection, held);
  co_await late.start();
  (void)co_await call(env, "POST", "/api/v1/api-keys/" + kids[8] + "/revoke", "", 200);
  const std::string third = co_await late.next();
  held = apply_update(held, third, *membership);
  const auto only_change = bundle::decode_update(third);
  EXPECT_EQ(only_change->full.size() + only_change->changed.size(), 1u);
}

TEST(Control, PushesSignedBundlesAndSmallDeltas) {
  World world(2);
  world.run_on("paris/gw", follow_bundles);
}

io::Task<void> deny_joins(io::Env& env, World& world) {
  co_await configure(env, world);
  (void)co_await call(env, "POST", "/api/v1/join-tokens", R"({"role":"gateway","site":"atlantis","name":"x"})", 400);
  const std::string token = co_await token_for(env, "gateway", "paris", "gw");
  const auto joined = co_await io::join(env, gateway_join(token));
  EXPECT_TRUE(joined.ok());
  // Replayed with another key: denied, and burnt.
  const auto replayed = co_await io::join(env, gateway_join(token));
  EXPECT_EQ(replayed.error().code, Code::PermissionDenied);
  EXPECT_NE(replayed.error().message.find("used before"), std::string::npos) << replayed.error().message;
  const auto burnt = co_await io::join(env, gateway_join(token));
  EXPECT_NE(burnt.error().message.find("burnt"), std::string::npos);

  const std::string brief = co_await token_for(env, "gateway", "paris", "gw", 1);
  co_await env.sleep_for(2s);
  const auto expired = co_await io::join(env, gateway_join(brief));
  EXPECT_NE(expired.error().message.find("expired"), std::string::npos);

  io::JoinOptions other = gateway_join(co_await token_for(env, "agent", "lyon", "gw"));
  const auto wrong_role = co_await io::join(env, other);
  EXPECT_EQ(wrong_role.error().code, Code::PermissionDenied);
  other = gateway_join(co_await token_for(env, "gateway", "paris", "another"));
  const auto wrong_name = co_await io::join(env, other);
  EXPECT_NE(wrong_name.error().message.find("another"), std::string::npos);

  // The token of another grid: its pin does not fit our root, so nothing is sent.
  crypto::JoinToken foreign{std::string(8, 'k'), std::string(32, 's'), std::string(32, 'p')};
  const auto wrong_pin = co_await io::join(env, gateway_join(*crypto::format_join_token(foreign)));
  EXPECT_FALSE(wrong_pin.ok());
  EXPECT_NE(wrong_pin.error().code, Code::DeadlineExceeded);
}

TEST(Control, DeniesJoinsThatAreNotByTheToken) {
  World world(3);
  world.run_on("paris/gw", deny_joins);
}

grid::Record record(std::uint64_t sequence) {
  grid::Record r;
  r.source = "gw";
  r.epoch = 4;
  r.sequence = sequence;
  r.request_id = "gw-4-" + std::to_string(sequence);
  r.tenant = "acme";
  r.usage.prompt_tokens = 10;
  r.usage.completion_tokens = 5;
  return r;
}

io::Task<void> ship_records(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected control = co_await connect(env, *membership);
  const std::string batch = inner::encode(record(1)) + inner::encode(record(2));
  for (int i = 0; i < 3; ++i) {
    const auto acked = co_await io::ask_inner(env, *control.connection, "/inner/records", batch);
    EXPECT_EQ(acked->status, 200);
    EXPECT_EQ((*json::parse(acked->body))["acked_sequence"], 2);
  }
  const Json usage = co_await call(env, "GET", "/api/v1/usage", "", 200);
  EXPECT_EQ(usage["total"]["requests"], 2);
  EXPECT_EQ(usage["by_tenant"][0]["completion_tokens"], 10);
  auto foreign = record(3);
  foreign.source = "somebody-else";
  const auto refused = co_await io::ask_inner(env, *control.connection, "/inner/records", inner::encode(foreign));
  EXPECT_EQ(refused->status, 403);

  // Status lines make the gateway and its nodes ready, until they stop.
  auto stream = *control.connection->open({"POST", "/inner/status", {{"host", "control"}}}, false);
  const std::string line =
      R"({"gateway":"gw","bundle_version":9,"wall_ms":1,"requests_total":3,"nodes":[{"node":"paris-1",)"
      R"("bundle_version":9,"engines":[{"deployment":"small-paris","state":"ready","slots":2}]}],"links":[]})"
      "\n";
  const auto sent = co_await stream->write(line);
  EXPECT_TRUE(sent.ok());
  co_await env.sleep_for(100ms);
  Json deployment = co_await call(env, "GET", "/api/v1/deployments/small-paris", "", 200);
  EXPECT_EQ(deployment["status"]["conditions"][0]["status"], "True") << deployment.dump(2);
  Json status = co_await call(env, "GET", "/api/v1/status", "", 200);
  EXPECT_EQ(status["gateways"][0]["connected"], true);
  EXPECT_EQ(status["nodes"][0]["report"]["engines"][0]["state"], "ready");
  co_await env.sleep_for(10s);
  status = co_await call(env, "GET", "/api/v1/status", "", 200);
  EXPECT_EQ(status["nodes"][0]["connected"], false);
}

// POST /inner/records of an agent, as its gateway relays it.
io::Task<int> relay_work(io::H2Connection& connection, std::string agent, std::string body) {
  auto stream =
      connection.open({"POST", "/inner/records", {{"host", "control"}, {"x-aigrid-peer", std::move(agent)}}}, false);
  if (!stream.ok()) co_return 0;
  const auto sent = co_await (*stream)->write(body);
  EXPECT_TRUE(sent.ok() && (*stream)->end().ok());
  const auto head = co_await (*stream)->head();
  const auto rest = co_await (*stream)->read_all(1 << 16U);
  co_return head.ok() && rest.ok() ? head->status : 0;
}

io::Task<void> ship_work(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected control = co_await connect(env, *membership);
  const Spiffe gateway = membership->name();
  Spiffe agent = gateway;
  agent.role = Role::Agent;
  agent.id = "paris-1";
  grid::AgentRecord record;
  record.source = "paris-1";
  record.epoch = 1;
  record.sequence = 1;
  record.request_id = "req_gw_1_1";
  record.attempt = 1;
  record.finish = "stop";
  record.usage = {10, 5, 0};
  const std::string line = inner::encode(record);
  const std::string name = agent.format().value_or("");
  for (int i = 0; i < 2; ++i) {
    const int status = co_await relay_work(*control.connection, name, line);
    EXPECT_EQ(status, 200);
  }
  // Neither for another node, nor for one of another site, nor for itself.
  record.source = "paris-2";
  const std::string foreign = inner::encode(record);
  int refused = co_await relay_work(*control.connection, name, foreign);
  EXPECT_EQ(refused, 403);
  agent.site = "lyon";
  const std::string elsewhere = agent.format().value_or("");
  refused = co_await relay_work(*control.connection, elsewhere, line);
  EXPECT_EQ(refused, 403);
  refused = co_await relay_work(*control.connection, gateway.format().value_or(""), line);
  EXPECT_EQ(refused, 403);
  refused = co_await relay_work(*control.connection, name, "{}\n");
  EXPECT_EQ(refused, 400);
  // It is nobody's request: usage counts what ingresses recorded.
  const Json usage = co_await call(env, "GET", "/api/v1/usage", "", 200);
  EXPECT_EQ(usage["total"]["requests"], 0);
}

// Bad input of metering: reordered and doubled, contradicting, of an epoch used before, of a tenant that nobody knows.
io::Task<void> ship_strange(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected control = co_await connect(env, *membership);
  grid::Record other = record(1);  // same source, epoch and sequence, another request: its spool was lost
  other.request_id = "gw-4-77";
  other.usage.completion_tokens = 1000;
  grid::Record again = record(9);  // another terminal record of a request that has one
  again.request_id = record(2).request_id;
  grid::Record ghost = record(3);
  ghost.tenant = "ghost";
  ghost.model = "small";
  grid::AttemptRecord attempt;
  attempt.usage = {10, 5, 0};
  ghost.attempts.push_back(attempt);
  const std::string batch = inner::encode(record(2)) + inner::encode(record(1)) + inner::encode(record(2)) +
                            inner::encode(other) + inner::encode(again) + inner::encode(ghost);
  for (int i = 0; i < 2; ++i) {
    const auto acked = co_await io::ask_inner(env, *control.connection, "/inner/records", batch);
    EXPECT_EQ(acked->status, 200);
  }
  const Json usage = co_await call(env, "GET", "/api/v1/usage", "", 200);
  EXPECT_EQ(usage["total"]["requests"], 2);
  EXPECT_EQ(usage["total"]["completion_tokens"], 10);
  EXPECT_EQ(usage["unknown"].size(), 1U) << usage.dump(1);
  EXPECT_EQ(usage["unknown"][0]["tenant"], "ghost");
  EXPECT_EQ(usage["in_question"].size(), 2U) << usage.dump(1);
  std::string why;
  for (const auto& one : usage["in_question"]) why += one["why"].get<std::string>() + "\n";
  EXPECT_NE(why.find("another record has its source, epoch and sequence"), std::string::npos) << why;
  EXPECT_NE(why.find("its request has a terminal record already"), std::string::npos) << why;
}

TEST(Control, RecordsThatContradictOrNameNobodyAreKeptApart) {
  World world(10);
  world.run_on("paris/gw", ship_strange);
}

// What nodes did beyond the records of requests is waived, once, and is no request.
io::Task<void> ship_own_work(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected control = co_await connect(env, *membership);
  const auto acked = co_await io::ask_inner(env, *control.connection, "/inner/records", inner::encode(record(1)));
  EXPECT_EQ(acked->status, 200);
  Spiffe agent = membership->name();
  agent.role = Role::Agent;
  agent.id = "paris-1";
  grid::AgentRecord work;
  work.source = "paris-1";
  work.epoch = 1;
  work.sequence = 1;
  work.tenant = "platform";
  work.request_id = work.finish = "probe";
  work.usage = {7, 1, 0};
  std::string lines = inner::encode(work);
  work.sequence = 2;
  work.request_id = work.finish = "unclaimed";
  work.usage = {0, 2, 0};
  lines += inner::encode(work);
  work.sequence = 3;  // of a request whose record knows nothing of this attempt
  work.request_id = record(1).request_id;
  work.tenant = "acme";
  work.model = "small";
  work.finish = "cancelled";
  work.usage = {11, 4, 0};
  lines += inner::encode(work);
  const std::string name = agent.format().value_or("");
  for (int i = 0; i < 2; ++i) {
    const int status = co_await relay_work(*control.connection, name, lines);
    EXPECT_EQ(status, 200);
    co_await env.sleep_for(2s);
  }
  const Json usage = co_await call(env, "GET", "/api/v1/usage", "", 200);
  EXPECT_EQ(usage["total"]["requests"], 1);
  EXPECT_EQ(usage["total"]["waived_prompt_tokens"], 18) << usage.dump(1);
  EXPECT_EQ(usage["total"]["waived_completion_tokens"], 7);
  EXPECT_EQ(usage["total"]["charge_nano"], 0);
  EXPECT_TRUE(usage["in_question"].empty()) << usage.dump(1);
}

TEST(Control, WhatNodesDidBeyondTheRecordsIsWaivedOnce) {
  World world(11);
  world.run_on("paris/gw", ship_own_work);
}

// A gateway is lost, a node that worked for it is cut off for longer than control waits, and in the end both come back:
// what was done for the request is counted once at every moment, whoever tells of it last.
io::Task<void> tell_late(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected control = co_await connect(env, *membership);
  Spiffe agent = membership->name();
  agent.role = Role::Agent;
  agent.id = "paris-1";
  const std::string name = agent.format().value_or("");
  grid::AgentRecord work;
  work.source = "paris-1";
  work.epoch = 1;
  work.request_id = record(1).request_id;
  work.tenant = "acme";
  work.model = "small";
  work.finish = "abandoned";
  const std::uint64_t made[] = {5, 8};
  grid::Record own = record(1);
  own.model = "small";
  for (const std::uint32_t number : {1U, 2U}) {
    work.sequence = work.attempt = number;
    work.usage = {10, made[number - 1], 0};
    int status = co_await relay_work(*control.connection, name, inner::encode(work));
    EXPECT_EQ(status, 200);
    co_await env.sleep_for(10s);
    status = co_await relay_work(*control.connection, name, inner::encode(work));  // its acknowledgement was lost
    EXPECT_EQ(status, 200);
    const Json usage = co_await call(env, "GET", "/api/v1/usage", "", 200);
    EXPECT_EQ(usage["total"]["requests"], 1);
    EXPECT_EQ(usage["total"]["waived_prompt_tokens"], 10 * number) << usage.dump(1);
    EXPECT_EQ(usage["total"]["waived_completion_tokens"], number == 1 ? 5 : 13) << usage.dump(1);
    grid::AttemptRecord attempt;
    attempt.number = number;
    attempt.site = "paris";
    attempt.node = "paris-1";
    attempt.usage = {10, made[number - 1] - 2, 0};  // it had not heard all
    attempt.heard_tokens = made[number - 1] - 2;
    own.attempts.push_back(attempt);
  }
  for (int i = 0; i < 2; ++i) {
    const auto acked = co_await io::ask_inner(env, *control.connection, "/inner/records", inner::encode(own));
    EXPECT_EQ(acked->status, 200);
    co_await env.sleep_for(10s);
    const Json total = (co_await call(env, "GET", "/api/v1/usage", "", 200))["total"];
    const auto sum = [&](const char* what) {
      return total.value(std::string("billed_") + what, 0) + total.value(std::string("waived_") + what, 0);
    };
    EXPECT_EQ(total["requests"], 1);
    EXPECT_EQ(sum("prompt_tokens"), 20) << total.dump(1);
    EXPECT_EQ(sum("completion_tokens"), 13) << total.dump(1);
  }
  const Json usage = co_await call(env, "GET", "/api/v1/usage", "", 200);
  EXPECT_TRUE(usage["in_question"].empty()) << usage.dump(1);
}

TEST(Control, WorkIsCountedOnceWhoeverTellsOfItLast) {
  World world(12, [](ControlOptions& o) {
    o.limits.orphan_grace = 3s;
    o.limits.orphans_every = 1s;
  });
  world.run_on("paris/gw", tell_late);
}

TEST(Control, TakesWhatAgentsRecordedFromTheirOwnGatewayOnly) {
  World world(9);
  world.run_on("paris/gw", ship_work);
}

TEST(Control, CountsRecordsOnceAndMergesStatus) {
  World world(4);
  world.run_on("paris/gw", ship_records);
}

io::Task<void> still_there(io::Env& env, World&) {
  auto identity = io::load_identity(env.files(), "/gw");
  EXPECT_TRUE(identity.ok());
  auto membership = io::Membership::make(env, "/gw", *identity);
  Connected control = co_await connect(env, **membership);
  // The same record again after the restart is still known.
  const auto acked = co_await io::ask_inner(env, *control.connection, "/inner/records", inner::encode(record(2)));
  EXPECT_EQ(acked->status, 200);
  const Json usage = co_await call(env, "GET", "/api/v1/usage", "", 200);
  EXPECT_EQ(usage["total"]["requests"], 2);
  const Json sites = co_await call(env, "GET", "/api/v1/sites", "", 200);
  EXPECT_EQ(sites["items"].size(), 2u);
  bundle::Held held;
  BundleReader reader(*control.connection, held);
  co_await reader.start();
  held = apply_update(held, co_await reader.next(), **membership);
  EXPECT_EQ(held.parsed.version, 9u);
  // Renewal: the same name, and only the same name.
  io::AskRenewal ask = [&env, &control](std::string csr) {
    return io::ask_renewal(env, *control.connection, std::move(csr));
  };
  const auto key = env.keys().new_key();
  auto renewed = co_await ask(*env.keys().make_csr(key, (*membership)->name()));
  EXPECT_TRUE(renewed.ok());
  EXPECT_TRUE((*membership)->replace(key, *renewed).ok());
  auto other = (*membership)->name();
  other.site = "lyon";
  const auto stolen = co_await ask(*env.keys().make_csr(key, other));
  EXPECT_EQ(stolen.error().code, Code::PermissionDenied);
}

TEST(Control, KeepsEverythingOverALossOfPower) {
  World world(5);
  world.run_on("paris/gw", ship_records);
  world.world.kill("control", true);
  world.world.restart("control");
  world.start();
  world.run_on("paris/gw", still_there);
  world.world.stop("control");
  EXPECT_TRUE(world.world.run_until([&] { return world.exit_code == 0; }, 5s));
}

io::Task<void> watch_sites(io::Env& env, std::vector<std::string>* seen) {
  io::ManagementClient client(env, kManagement, kAdmin);
  std::function<bool(std::string_view)> take = [seen](std::string_view line) {
    const Json event = *json::parse(line);
    const Json& name = event["object"]["metadata"].contains("name") ? event["object"]["metadata"]["name"] : Json("-");
    seen->push_back(event["type"].get<std::string>() + " " + name.get<std::string>());
    return seen->size() < 6;
  };
  const auto end = co_await client.watch("/api/v1/sites?watch=1", std::move(take));
  EXPECT_TRUE(end.ok());
}

io::Task<void> change_sites(io::Env& env, World& world) {
  co_await configure(env, world);
  std::vector<std::string> seen;
  io::TaskGroup tasks(env.executor());
  tasks.spawn(watch_sites(env, &seen));
  co_await env.sleep_for(100ms);
  const std::string spec = R"("spec":{"kind":"edge","operator":"op","country":"FR","lat":43.7,"lon":7.2}})";
  (void)co_await call(env, "PUT", "/api/v1/sites/nice",
                      R"({"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"nice"},)" + spec, 201);
  (void)co_await call(
      env, "PUT", "/api/v1/sites/nice",
      R"({"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"nice","labels":{"a":"b"}},)" + spec, 200);
  (void)co_await call(env, "DELETE", "/api/v1/sites/nice", "", 200);
  co_await tasks.join();
  EXPECT_EQ(seen, (std::vector<std::string>{"ADDED lyon", "ADDED paris", "BOOKMARK -", "ADDED nice", "MODIFIED nice",
                                            "DELETED nice"}));
  (void)co_await call(env, "GET", "/api/v1/sites?watch=1&resourceVersion=999", "", 410);
}

TEST(Control, ShowsChangesAsTheyHappen) {
  World world(6);
  world.run_on("cli", change_sites);
}

}  // namespace
}  // namespace aigrid::control
