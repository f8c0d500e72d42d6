// Who may join under which name, and what somebody may still do who was deleted: nothing, and he is told why.
#include "app/control/test_world.h"

namespace aigrid::control {
namespace {

using namespace test;

// The message with which the join was refused; "joined" if it was not.
io::Task<std::string> try_join(io::Env& env, std::string token, Role role, std::string name) {
  io::JoinOptions o = gateway_join(std::move(token));
  o.role = role;
  o.name = std::move(name);
  const auto identity = co_await io::join(env, std::move(o));
  co_return identity.ok() ? "joined" : identity.error().message;
}

io::Task<void> take_names(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto token = [&env](std::string role, std::string site, std::string name) {
    return token_for(env, std::move(role), std::move(site), std::move(name));
  };
  // A gateway: the first takes its name, the next needs a token that names it.
  std::string said = co_await try_join(env, co_await token("gateway", "paris", ""), Role::Gateway, "gw");
  EXPECT_EQ(said, "joined");
  said = co_await try_join(env, co_await token("gateway", "paris", ""), Role::Gateway, "gw");
  EXPECT_NE(said.find("the name \"gw\" is taken"), std::string::npos) << said;
  said = co_await try_join(env, co_await token("gateway", "lyon", "gw"), Role::Gateway, "gw");
  EXPECT_NE(said.find("stands at site \"paris\""), std::string::npos) << said;
  said = co_await try_join(env, co_await token("gateway", "paris", "gw"), Role::Gateway, "gw");
  EXPECT_EQ(said, "joined");
  // An agent: only of a Node at the token's site.
  said = co_await try_join(env, co_await token("agent", "paris", "nobody"), Role::Agent, "nobody");
  EXPECT_NE(said.find("there is no Node \"nobody\""), std::string::npos) << said;
  said = co_await try_join(env, co_await token("agent", "lyon", "paris-1"), Role::Agent, "paris-1");
  EXPECT_NE(said.find("stands at site \"paris\""), std::string::npos) << said;
  said = co_await try_join(env, co_await token("agent", "paris", ""), Role::Agent, "paris-1");
  EXPECT_EQ(said, "joined");
  said = co_await try_join(env, co_await token("agent", "paris", ""), Role::Agent, "paris-1");
  EXPECT_NE(said.find("is taken"), std::string::npos) << said;
  // What was deleted stays its holder's: a token without a name does not take it.
  (void)co_await call(env, "DELETE", "/api/v1/gateways/gw", "", 200);
  said = co_await try_join(env, co_await token("gateway", "paris", ""), Role::Gateway, "gw");
  EXPECT_NE(said.find("is taken"), std::string::npos) << said;
  // Names that look like others are no names.
  for (const char* odd : {"g\xd1\x83", "gw/../x", "*", "GW", "gw gw"}) {
    said = co_await try_join(env, co_await token("gateway", "paris", ""), Role::Gateway, odd);
    EXPECT_NE(said, "joined") << odd;
  }
}

TEST(Members, NamesAreTakenByTokensThatNameThem) {
  World world(11);
  world.run_on("paris/gw", take_names);
}

// The question of a join as a joiner makes it, to be changed and sent by hand.
struct Asking {
  std::string key;
  crypto::JoinToken token;
  io::JoinAsk ask;
  void seal() { ask.mac = io::join_ask_mac(crypto::join_key(token), ask); }
};

Asking asking(io::Env& env, const std::string& token, const std::string& name, const Spiffe& wanted) {
  Asking out{env.keys().new_key(), *crypto::parse_join_token(token), {}};
  out.ask = {out.token.kid,
             *env.keys().make_csr(out.key, wanted),
             {},
             Role::Gateway,
             {},
             name,
             "10.0.0.2:80",
             "10.0.0.2:81",
             1};
  out.seal();
  return out;
}

// Sends it as a stranger; the answer's status and body.
io::Task<io::InnerAnswer> send(io::Env& env, Asking asking) {
  auto tls = env.tls().make_context({}, io::Purpose::Grid);
  auto raw = co_await env.dial(kInner, 5s);
  EXPECT_TRUE(raw.ok());
  if (!raw.ok()) co_return io::InnerAnswer{};
  io::ClientTls how{*tls, {}, {io::kAlpnAsk}, asking.token.root_pin, {}};
  auto secured = co_await env.tls().connect(env, std::move(*raw), std::move(how));
  EXPECT_TRUE(secured.ok());
  if (!secured.ok()) co_return io::InnerAnswer{};
  io::H2Connection connection(env, std::move(*secured), http::H2Role::Requester);
  io::TaskGroup running(env.executor());
  running.spawn(connection.run());
  auto answer = co_await io::ask_inner(env, connection, "/inner/join", io::encode(asking.ask));
  EXPECT_TRUE(answer.ok());
  co_return answer.ok() ? *answer : io::InnerAnswer{};
}

io::Task<void> change_the_question(io::Env& env, World& world) {
  co_await configure(env, world);
  const Spiffe gw{"testgrid", Role::Gateway, std::string(io::kUnassignedSite), "gw"};
  const std::string token = co_await token_for(env, "gateway", "paris", "gw");
  // Changed on its way: the MAC does not fit, and the token is not used up by it.
  Asking changed = asking(env, token, "gw", gw);
  changed.ask.inner_address = "10.6.6.6:81";
  io::InnerAnswer answer = co_await send(env, changed);
  EXPECT_EQ(answer.status, 403);
  EXPECT_NE(answer.body.find("join_token_wrong_secret"), std::string::npos) << answer.body;
  // The request asks for somebody else, or for another role or site.
  for (const Spiffe& other : {Spiffe{"testgrid", Role::Gateway, std::string(io::kUnassignedSite), "other"},
                              Spiffe{"testgrid", Role::Control, std::string(io::kUnassignedSite), "gw"},
                              Spiffe{"testgrid", Role::Gateway, "lyon", "gw"},
                              Spiffe{"elsewhere", Role::Gateway, std::string(io::kUnassignedSite), "gw"}}) {
    answer = co_await send(env, asking(env, token, "gw", other));
    EXPECT_EQ(answer.status, 403);
    EXPECT_NE(answer.body.find("join_request_other_identity"), std::string::npos) << answer.body;
  }
  Asking broken = asking(env, token, "gw", gw);
  broken.ask.csr[broken.ask.csr.size() / 2] ^= 1;
  broken.seal();
  answer = co_await send(env, broken);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("invalid_join"), std::string::npos) << answer.body;
  // After all that the right one joins; sent again, its lost answer is given again.
  const Asking good = asking(env, token, "gw", gw);
  answer = co_await send(env, good);
  EXPECT_EQ(answer.status, 200) << answer.body;
  answer = co_await send(env, good);
  EXPECT_EQ(answer.status, 200) << answer.body;
  // But not when the gateway was deleted meanwhile: a used token is no way back.
  (void)co_await call(env, "DELETE", "/api/v1/gateways/gw", "", 200);
  answer = co_await send(env, good);
  EXPECT_EQ(answer.status, 403);
  EXPECT_NE(answer.body.find("join_member_deleted"), std::string::npos) << answer.body;
  (void)co_await call(env, "GET", "/api/v1/gateways/gw", "", 404);
}

TEST(Members, AJoinIsForWhatItsTokenAndItsRequestSay) {
  World world(12);
  world.run_on("paris/gw", change_the_question);
}

// Two joiners with one token at the same moment: one of them, never both.
io::Task<void> race_for_a_token(io::Env& env, World& world) {
  co_await configure(env, world);
  const std::string token = co_await token_for(env, "gateway", "paris", "gw");
  const Spiffe gw{"testgrid", Role::Gateway, std::string(io::kUnassignedSite), "gw"};
  std::vector<int> statuses;
  const auto one = [&]() -> io::Task<void> {
    const Asking mine = asking(env, token, "gw", gw);
    const io::InnerAnswer answer = co_await send(env, mine);
    statuses.push_back(answer.status);
  };
  io::TaskGroup tasks(env.executor());
  for (int i = 0; i < 5; ++i) tasks.spawn(one());
  co_await tasks.join();
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 200), 1);
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 403), 4);
}

TEST(Members, OneTokenRacedByFiveIsOneIdentity) {
  World world(13);
  world.run_on("paris/gw", race_for_a_token);
}

io::Task<int> status_of_path(io::Env& env, io::H2Connection& connection, std::string path, std::string body,
                             std::string relayed_for = {}) {
  http::Headers headers;
  if (!relayed_for.empty()) headers.set("x-aigrid-peer", relayed_for);
  auto answer = co_await io::ask_inner(env, connection, std::move(path), std::move(body), 10s, std::move(headers));
  if (!answer.ok()) co_return -1;
  if (answer->status == 403) {
    EXPECT_TRUE(answer->body.find("not_a_member") != std::string::npos ||
                answer->body.find("permission_denied") != std::string::npos)
        << answer->body;
  }
  co_return answer->status;
}

io::Task<void> relay_renewals(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected control = co_await connect(env, *membership);
  const auto renewal_of = [&](const Spiffe& who) {
    return io::encode_renew_ask(*env.keys().make_csr(env.keys().new_key(), who));
  };
  const auto relay = [&](Spiffe who, Spiffe named) {
    return status_of_path(env, *control.connection, "/inner/renew", renewal_of(named), *who.format());
  };
  const Spiffe node{"testgrid", Role::Agent, "paris", "paris-1"};
  EXPECT_EQ(co_await relay(node, node), 200);
  auto other = node;
  other.id = "paris-9";  // no such Node
  EXPECT_EQ(co_await relay(other, other), 403);
  other = node;
  other.site = "lyon";  // not of the gateway's site
  EXPECT_EQ(co_await relay(other, other), 403);
  other.role = Role::Gateway;
  EXPECT_EQ(co_await relay(other, other), 403);
  EXPECT_EQ(co_await relay(node, membership->name()), 403);  // a certificate of another than was said
}

io::Task<void> lose_a_renewal(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  const std::string renewal = io::encode_renew_ask(*env.keys().make_csr(env.keys().new_key(), membership->name()));
  for (int i = 0; i < 3; ++i) {  // the answer is lost each time: the certificate held goes on being good
    Connected control = co_await connect(env, *membership);
    EXPECT_EQ(co_await status_of_path(env, *control.connection, "/inner/renew", renewal), 200);
  }
  // A node's certificate is none of a gateway's: all it may ask of control is its own renewal.
  io::JoinOptions join = gateway_join(co_await token_for(env, "agent", "paris", "paris-1"));
  join.role = Role::Agent;
  join.name = "paris-1";
  auto identity = co_await io::load_or_join(env, "/node", std::move(join));
  EXPECT_TRUE(identity.ok());
  if (!identity.ok()) co_return;
  auto node = io::Membership::make(env, "/node", *identity);
  Connected agent = co_await connect(env, **node);
  for (const char* path : {"/inner/bundle", "/inner/records", "/inner/status", "/inner/join"}) {
    EXPECT_EQ(co_await status_of_path(env, *agent.connection, path, renewal), 403) << path;
  }
  EXPECT_EQ(co_await status_of_path(env, *agent.connection, "/inner/renew", renewal), 403);  // for a gateway
  const std::string own = io::encode_renew_ask(*env.keys().make_csr(env.keys().new_key(), (*node)->name()));
  EXPECT_EQ(co_await status_of_path(env, *agent.connection, "/inner/renew", own), 200);
}

TEST(Members, LostRenewalsCostNothingAndRolesAreNotMixed) {
  World world(17);
  world.run_on("paris/gw", lose_a_renewal);
}

TEST(Members, AGatewayRelaysRenewalsForTheNodesOfItsSiteOnly) {
  World world(14);
  world.run_on("paris/gw", relay_renewals);
}

io::Task<void> be_deleted(io::Env& env, World& world) {
  co_await configure(env, world);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected live = co_await connect(env, *membership);
  const std::string renewal = io::encode_renew_ask(*env.keys().make_csr(env.keys().new_key(), membership->name()));
  EXPECT_EQ(co_await status_of_path(env, *live.connection, "/inner/renew", renewal), 200);
  (void)co_await call(env, "DELETE", "/api/v1/gateways/gw", "", 200);
  co_await env.sleep_for(100ms);
  EXPECT_TRUE(live.connection->closed());
  // The certificate still opens a connection, so that it can be told; and nothing more.
  Connected again = co_await connect(env, *membership);
  for (const char* path : {"/inner/renew", "/inner/records", "/inner/bundle", "/inner/status", "/inner/join"}) {
    EXPECT_EQ(co_await status_of_path(env, *again.connection, path, renewal), 403) << path;
  }
  // A Gateway of that name at another site is somebody else.
  const char* moved = R"({"apiVersion":"aigrid/v1","kind":"Gateway","metadata":{"name":"gw"},
    "spec":{"site":"lyon","public_address":"10.0.0.2:80","inner_address":"10.0.0.2:81"}})";
  (void)co_await call(env, "PUT", "/api/v1/gateways/gw", moved, 201);
  Connected third = co_await connect(env, *membership);
  EXPECT_EQ(co_await status_of_path(env, *third.connection, "/inner/records", ""), 403);
}

TEST(Members, WhoIsDeletedMayNothing) {
  World world(15);
  world.run_on("paris/gw", be_deleted);
}

std::string status_line(const std::string& node) {
  return R"({"gateway":"gw","bundle_version":9,"wall_ms":1,"requests_total":3,"nodes":[{"node":")" + node +
         R"(","bundle_version":9,"engines":[]}],"links":[]})"
         "\n";
}

io::Task<void> claim_others(io::Env& env, World& world) {
  co_await configure(env, world);
  (void)co_await call(env, "PUT", "/api/v1/nodes/lyon-1",
                      R"({"apiVersion":"aigrid/v1","kind":"Node","metadata":{"name":"lyon-1"},"spec":{"site":"lyon"}})",
                      201);
  const auto membership = co_await join_gateway(env);
  if (!membership) co_return;
  Connected control = co_await connect(env, *membership);
  auto old_stream = *control.connection->open({"POST", "/inner/status", {{"host", "control"}}}, false);
  for (const char* node : {"lyon-1", "made-up", "paris-1"}) {
    auto sent = co_await old_stream->write(status_line(node));
    EXPECT_TRUE(sent.ok());
  }
  co_await env.sleep_for(100ms);
  const Json own = co_await call(env, "GET", "/api/v1/nodes/paris-1", "", 200);
  EXPECT_EQ(own["status"]["connected"], true);
  const Json foreign = co_await call(env, "GET", "/api/v1/nodes/lyon-1", "", 200);
  EXPECT_EQ(foreign["status"]["connected"], false);
  EXPECT_FALSE(foreign["status"].contains("report"));

  // A node that was deleted and made again elsewhere was not heard of there.
  (void)co_await call(env, "PUT", "/api/v1/deployments/small-paris",
                      R"({"apiVersion":"aigrid/v1","kind":"Deployment","metadata":{"name":"small-paris"},
                      "spec":{"model":"small","driver":"llama.cpp","nodes":["lyon-1"]}})",
                      200);
  (void)co_await call(env, "DELETE", "/api/v1/nodes/paris-1", "", 200);
  (void)co_await call(
      env, "PUT", "/api/v1/nodes/paris-1",
      R"({"apiVersion":"aigrid/v1","kind":"Node","metadata":{"name":"paris-1"},"spec":{"site":"lyon"}})", 201);
  const Json moved = co_await call(env, "GET", "/api/v1/nodes/paris-1", "", 200);
  EXPECT_EQ(moved["status"]["connected"], false);

  // A gateway that came again: the end of its old stream comes late and says nothing of the new one.
  Connected newer = co_await connect(env, *membership);
  auto new_stream = *newer.connection->open({"POST", "/inner/status", {{"host", "control"}}}, false);
  auto sent = co_await new_stream->write(status_line("paris-1"));
  EXPECT_TRUE(sent.ok());
  co_await env.sleep_for(100ms);
  control.connection->close();
  co_await env.sleep_for(100ms);
  Json gateway = co_await call(env, "GET", "/api/v1/gateways/gw", "", 200);
  EXPECT_EQ(gateway["status"]["connected"], true);
  newer.connection->close();
  co_await env.sleep_for(100ms);
  gateway = co_await call(env, "GET", "/api/v1/gateways/gw", "", 200);
  EXPECT_EQ(gateway["status"]["connected"], false);
}

TEST(Members, AGatewayReportsItselfAndTheNodesOfItsSite) {
  World world(16);
  world.run_on("paris/gw", claim_others);
}

}  // namespace
}  // namespace aigrid::control
