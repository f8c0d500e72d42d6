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

io::Task<void> refused(io::Env& env, std::string method, std::string target, std::string body, std::string approval,
                       std::string why) {
  const io::ManagementAnswer answer = co_await as(env, anna, std::move(method), target, std::move(body), approval);
  EXPECT_GE(answer.status, 400) << target << answer.body;
  EXPECT_NE(answer.body.find(why), std::string::npos) << target << answer.body;
}

io::Task<std::string> renewed(io::Env& env, std::string key, std::string name) {
  const io::ManagementAnswer answer = co_await as(env, key, "POST", "/api/v1/admins/" + name + "/renew");
  EXPECT_EQ(answer.status, 200) << answer.body;
  const io::ManagementAnswer old = co_await as(env, key, "GET", "/api/v1/admins");
  EXPECT_EQ(old.status, 401);
  const auto value = json::parse(answer.body);
  co_return value.ok() ? value->value("key", "") : "";
}

// What opens a site to an account wants a second admin; what closes it does not.
io::Task<void> widen(io::Env& env) {
  io::ManagementAnswer answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("mc"));
  EXPECT_EQ(answer.status, 200) << "no site is in it: " << answer.body;
  co_await refused(env, "POST", "/api/v1/apply", tenant_in("fr"), "", "only anna wants it");
  co_await refused(env, "POST", "/api/v1/apply", tenant_in("fr"), "", "more site");
  co_await refused(env, "POST", "/api/v1/apply", tenant_in("fr"), anna, "by anna as well");
  co_await refused(env, "POST", "/api/v1/apply", tenant_in("fr"), "agadmin_x", "no admin's key");
  co_await refused(env, "POST", "/api/v1/apply", tenant_in("fr"), kAdmin, "made by root, who has seen it");
  answer = co_await as(env, kAdmin, "POST", "/api/v1/admins/anna/renew");
  EXPECT_EQ(answer.status, 403) << "her key is renewed by her alone";
  anna = co_await renewed(env, anna, "anna");
  answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("fr"), kAdmin);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find("more site"), std::string::npos) << answer.body;
  answer = co_await as(env, anna, "POST", "/api/v1/apply", tenant_in("mc"));
  EXPECT_EQ(answer.status, 200) << answer.body;
}

// Nobody makes his own second.
io::Task<void> make_a_second(io::Env& env) {
  co_await refused(env, "POST", "/api/v1/admins", R"({"name":"ben"})", "", "takes two");
  co_await refused(env, "POST", "/api/v1/admins", R"({"name":"ben"})", anna, "takes two");
  io::ManagementAnswer answer = co_await as(env, anna, "POST", "/api/v1/admins", R"({"name":"ben"})", kAdmin);
  EXPECT_EQ(answer.status, 201) << answer.body;
  std::string ben = json::parse(answer.body)->value("key", "");
  co_await refused(env, "POST", "/api/v1/apply", tenant_in("fr"), ben, "made by anna, who has seen it");
  answer = co_await as(env, ben, "POST", "/api/v1/apply", tenant_in("fr"), anna);
  EXPECT_GE(answer.status, 400) << "she could ask with it as well";
  ben = co_await renewed(env, ben, "ben");
  answer = co_await as(env, ben, "POST", "/api/v1/apply", tenant_in("fr"), anna);
  EXPECT_EQ(answer.status, 200) << answer.body;
}

std::string resource(std::string kind, std::string name, std::string spec) {
  return R"({"resources":[{"apiVersion":"aigrid/v1","kind":")" + kind + R"(","metadata":{"name":")" + name +
         R"("},"spec":)" + spec + "}]}";
}

// Every way round that does not say so: what is permitted afterwards counts.
io::Task<void> try_the_back_doors(io::Env& env) {
  const http::Headers any{{"if-match", "*"}};
  const std::string apply = "/api/v1/apply";
  (void)co_await call(env, "POST", apply, resource("Operator", "op", R"({"legal_name":"Op","control":["FR","US"]})"),
                      200);
  (void)co_await call(env, "POST", apply,
                      resource("Zone", "own", R"({"jurisdictions":["FR"],"control_within":["FR"]})"), 200);
  io::ManagementAnswer answer =
      co_await as(env, anna, "POST", apply, resource("Tenant", "own", R"({"zone":"own"})"), kAdmin);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const std::string widens = "this change widens";
  co_await refused(env, "POST", apply, resource("Operator", "op", R"({"legal_name":"Op","control":["FR"]})"), "",
                   widens);
  co_await refused(env, "POST", apply, resource("Zone", "own", R"({"jurisdictions":["FR"]})"), "", widens);
  co_await refused(
      env, "POST", apply,
      resource("Site", "lyon",
               R"({"kind":"campus","operator":"op","country":"FR","jurisdiction":"MC","lat":45.7,"lon":4.8})"),
      "", widens);
  const Json key = co_await call(env, "POST", "/api/v1/api-keys", R"({"tenant":"acme","zone":"mc"})", 201);
  const std::string kid = key.value("kid", "");
  const Json held = co_await call(env, "GET", "/api/v1/api-keys/" + kid, "", 200);
  Json wide = held["spec"];
  wide["zone"] = "fr";
  co_await refused(env, "POST", apply, resource("ApiKey", kid, json::dump(wide)), "", widens);
  (void)co_await call(env, "DELETE", "/api/v1/api-keys/" + kid, "", 200);
  co_await refused(env, "POST", apply, resource("ApiKey", kid, json::dump(wide)), "", widens);
  (void)co_await call(env, "DELETE", "/api/v1/tenants/bound", "", 200, any);
  co_await refused(env, "POST", apply, tenant_in("fr"), "", widens);
  co_await refused(env, "POST", apply, resource("Model", "big", R"({"source":"b.gguf","context_tokens":2048})"), "",
                   widens);
}

io::Task<void> have_two(io::Env& env, World& world) {
  co_await configure(env, world);
  for (const char* bad : {R"({"name":"root"})", R"({"name":"../x"})", R"({"name":""})", R"({})"}) {
    io::ManagementAnswer answer = co_await as(env, kAdmin, "POST", "/api/v1/admins", bad);
    EXPECT_TRUE(answer.status == 409 || answer.status == 400) << bad << answer.body;
  }
  const Json made = co_await call(env, "POST", "/api/v1/admins", R"({"name":"anna"})", 201);
  anna = made["key"];
  EXPECT_TRUE(anna.starts_with("agadmin_"));
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
  co_await make_a_second(env);
  co_await try_the_back_doors(env);
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
  (void)co_await call(env, "POST", "/api/v1/admins", R"({"name":"anna"})", 403);
  // Whoever is revoked, the rule stays; with nobody left to approve, root begins anew.
  (void)co_await call(env, "POST", "/api/v1/admins/ben/revoke", "", 200);
  (void)co_await call(env, "POST", "/api/v1/apply", tenant_in("fr"), 422);
  (void)co_await call(env, "POST", "/api/v1/admins", R"({"name":"anna"})", 409);
  (void)co_await call(env, "POST", "/api/v1/admins", R"({"name":"carl"})", 201);
  (void)co_await call(env, "POST", "/api/v1/admins", R"({"name":"dora"})", 403);
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
