// Named admins: a key each, revoked by name, and every change says whose it was.
#include "app/control/test_world.h"

namespace aigrid::control {
namespace {

using namespace test;

io::Task<io::ManagementAnswer> as(io::Env& env, std::string key, std::string method, std::string target,
                                  std::string body = {}, std::string approval = {}) {
  io::ManagementClient client(env, kManagement, std::move(key));
  http::Headers headers;
  if (!approval.empty()) headers.set("x-aigrid-approval", approval);
  auto answer = co_await client.call(std::move(method), std::move(target), std::move(body), headers);
  EXPECT_TRUE(answer.ok());
  co_return answer.ok() ? *answer : io::ManagementAnswer{};
}

std::string changed_by(const io::ManagementAnswer& answer) {
  const auto value = json::parse(answer.body);
  return value.ok() ? value->at("metadata").value("changedBy", "") : answer.body;
}

const char* const kZone =
    R"({"apiVersion":"aigrid/v1","kind":"Zone","metadata":{"name":"mc"},"spec":{"jurisdictions":["MC"]}})";

std::string anna;  // her key, over the restart

std::string tenant_in(const std::string& zone) {
  return R"({"resources":[{"apiVersion":"aigrid/v1","kind":"Tenant","metadata":{"name":"bound"},"spec":{"zone":")" +
         zone + R"("}}]})";
}

// What opens a site to an account wants a second admin; what closes it does not.
io::Task<void> widen(io::Env& env) {
  io::ManagementAnswer answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("mc"));
  EXPECT_EQ(answer.status, 200) << "a new tenant had nothing before: " << answer.body;
  answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("fr"));
  EXPECT_GE(answer.status, 400);
  EXPECT_NE(answer.body.find("only anna wants it"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("more site"), std::string::npos) << answer.body;
  answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("fr"), anna);
  EXPECT_GE(answer.status, 400) << "her own approval is none";
  answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("fr"), kAdmin);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find("more site"), std::string::npos) << answer.body;
  answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("mc"));
  EXPECT_EQ(answer.status, 200) << answer.body;
}

io::Task<void> have_two(io::Env& env, World& world) {
  co_await configure(env, world);
  const Json made = co_await call(env, "POST", "/api/v1/admins", R"({"name":"anna"})", 201);
  anna = made["key"];
  EXPECT_TRUE(anna.starts_with("agadmin_"));
  for (const char* bad :
       {R"({"name":"anna"})", R"({"name":"root"})", R"({"name":"../x"})", R"({"name":""})", R"({})"}) {
    io::ManagementAnswer refused = co_await as(env, kAdmin, "POST", "/api/v1/admins", bad);
    EXPECT_TRUE(refused.status == 409 || refused.status == 400) << bad << refused.body;
  }
  io::ManagementAnswer answer = co_await as(env, anna, "POST", "/api/v1/zones", kZone);
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(changed_by(answer), "anna");
  answer = co_await as(env, kAdmin, "GET", "/api/v1/zones/mc");
  EXPECT_EQ(changed_by(answer), "anna");
  answer = co_await as(env, kAdmin, "GET", "/api/v1/zones/fr");
  EXPECT_EQ(changed_by(answer), "root");
  const auto membership = co_await join_gateway(env);
  answer = co_await as(env, anna, "GET", "/api/v1/gateways/gw");
  EXPECT_EQ(changed_by(answer), "join:gw");
  answer = co_await as(env, anna, "GET", "/api/v1/admins");
  co_await widen(env);
  const Json list = *json::parse(answer.body);
  EXPECT_EQ(list["you"], "anna");
  EXPECT_EQ(list["items"].size(), 2u);
  EXPECT_EQ(answer.body.find(anna), std::string::npos);
}

io::Task<void> lose_one(io::Env& env, World&) {
  io::ManagementAnswer answer = co_await as(env, anna, "GET", "/api/v1/zones/mc");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(changed_by(answer), "anna");
  (void)co_await call(env, "POST", "/api/v1/admins/root/revoke", "", 400);
  (void)co_await call(env, "POST", "/api/v1/admins/nobody/revoke", "", 404);
  const Json revoked = co_await call(env, "POST", "/api/v1/admins/anna/revoke", "", 200);
  EXPECT_EQ(revoked["revoked_by"], "root");
  answer = co_await as(env, anna, "GET", "/api/v1/zones/mc");
  EXPECT_EQ(answer.status, 401);
  // The name stays hers: what the catalog says of it means one person.
  (void)co_await call(env, "POST", "/api/v1/admins", R"({"name":"anna"})", 409);
}

io::Task<void> still_lost(io::Env& env, World&) {
  const io::ManagementAnswer answer = co_await as(env, anna, "GET", "/api/v1/zones/mc");
  EXPECT_EQ(answer.status, 401);
}

TEST(Admins, HaveKeysOfTheirOwnAndSignTheirChanges) {
  World world(21);
  const auto restart = [&] {
    world.world.kill("control", true);
    world.world.restart("control");
    world.start();
  };
  world.run_on("paris/gw", have_two);
  EXPECT_EQ(world.world.env("control").files().read_all("/state/control.db")->find(anna), std::string::npos);
  restart();
  world.run_on("cli", lose_one);
  restart();
  world.run_on("cli", still_lost);
}

}  // namespace
}  // namespace aigrid::control
