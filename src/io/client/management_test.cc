// The management client against a scripted server, and the ops listener, over both Envs.
#include "io/client/management.h"

#include <gtest/gtest.h>

#include "io/client/ops_server.h"
#include "io/http/client.h"
#include "io/http/server.h"
#include "io/http/test_grid.h"

namespace aigrid::io {
namespace {

Task<void> serve(Exchange& exchange) {
  auto body = co_await exchange.read_body(1000);
  EXPECT_TRUE(body.ok());
  const auto& head = exchange.head();
  if (head.headers.get("authorization") != "Bearer admin") {
    auto sent = co_await exchange.respond(401, {}, R"({"code":"no_key","detail":"no such key","remedy":"log in"})");
    EXPECT_TRUE(sent.ok());
  } else if (head.target.find("watch=1") != std::string::npos) {
    EXPECT_EQ(head.headers.get("accept"), "application/jsonl");
    auto started = co_await exchange.start(200, {{"content-type", "application/jsonl"}});
    for (const char* piece : {"{\"n\":1}\n\n{\"n\"", ":2}\n", "{\"n\":3}\n", "{\"n\":4}\n"}) {
      started = co_await exchange.write(piece);
      if (!started.ok()) co_return;  // it has seen enough
    }
    started = co_await exchange.finish();
  } else {
    http::Headers headers{{"etag", "\"7\""}, {"x-type", std::string(head.headers.get("content-type").value_or("-"))}};
    auto sent = co_await exchange.respond(200, std::move(headers), head.method + " " + head.target + " " + *body);
    EXPECT_TRUE(sent.ok());
  }
}

Task<void> calls(Env& env) {
  test::Served served(env);
  ServerLimits limits;
  served.acceptor.spawn(serve_listener(env, *served.listener, served.connections, limits, serve));
  ManagementClient client(env, "http://" + served.at() + "/", "admin");
  auto got = co_await client.call("GET", "/api/v1/sites");
  EXPECT_TRUE(got.ok() && got->ok());
  EXPECT_EQ(got->body, "GET /api/v1/sites ");
  EXPECT_EQ(got->headers.get("x-type"), "-");
  EXPECT_EQ(got->headers.get("etag"), "\"7\"");
  got = co_await client.call("PUT", "/api/v1/sites/a", "{}");
  EXPECT_EQ(got->body, "PUT /api/v1/sites/a {}");
  EXPECT_EQ(got->headers.get("x-type"), "application/json");

  ManagementClient stranger(env, served.at(), "guess");
  auto refused = co_await stranger.call("GET", "/api/v1/sites");
  EXPECT_TRUE(refused.ok()) << "a refusal is an answer";
  EXPECT_FALSE(refused->ok());
  EXPECT_EQ(describe_problem(*refused), "401 no_key: no such key (log in)");
  auto unseen = co_await stranger.watch("/api/v1/sites?watch=1", [](std::string_view) { return true; });
  EXPECT_EQ(unseen->status, 401);
  EXPECT_NE(unseen->body.find("no such key"), std::string::npos);
}

TEST(ManagementClient, sends_its_key_and_gives_refusals_as_answers) { test::run(calls); }

Task<void> watches(Env& env) {
  test::Served served(env);
  ServerLimits limits;
  served.acceptor.spawn(serve_listener(env, *served.listener, served.connections, limits, serve));
  ManagementClient client(env, served.at(), "admin");
  std::vector<std::string> lines;
  std::function<bool(std::string_view)> all = [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  };
  auto over = co_await client.watch("/api/v1/sites?watch=1", std::move(all));
  EXPECT_TRUE(over.ok());
  EXPECT_EQ(lines, (std::vector<std::string>{"{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}"}));
  lines.clear();
  std::function<bool(std::string_view)> two = [&](std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < 2;
  };
  over = co_await client.watch("/api/v1/sites?watch=1", std::move(two));
  EXPECT_EQ(lines.size(), 2U);
}

TEST(ManagementClient, watches_line_by_line_until_told_to_stop) { test::run(watches); }

TEST(DescribeProblem, says_what_there_is) {
  EXPECT_EQ(describe_problem({502, {}, "<html>"}), "502 Bad Gateway");
  EXPECT_EQ(describe_problem({409, {}, R"({"code":"conflict"})"}), "409 conflict");
}

Task<std::string> ops(Env& env, Address at, std::string method, std::string target) {
  http::RequestHead head{std::move(method), std::move(target), {}};
  auto answer = co_await http1_request(env, at, std::move(head), {}, {});
  EXPECT_TRUE(answer.ok());
  auto body = co_await answer->read_all(1000);
  EXPECT_TRUE(body.ok());
  co_return std::to_string(answer->head.status) + " " + *body;
}

Task<void> serves_ops(Env& env) {
  bool ready = false;
  OpsCallbacks callbacks;
  callbacks.ready = [&]() -> Result<void> {
    if (ready) return {};
    return unavailable("no engine is ready");
  };
  callbacks.metrics = [] { return std::string("# EOF\n"); };
  auto listener = env.listen("127.0.0.1:0", {});
  EXPECT_TRUE(listener.ok());
  const Address at = (*listener)->address();
  TaskGroup serving(env.executor());
  serving.spawn(serve_ops(env, std::move(*listener), callbacks));
  EXPECT_EQ(co_await ops(env, at, "GET", "/livez"), "200 ok\n");
  EXPECT_EQ(co_await ops(env, at, "GET", "/readyz"), "503 no engine is ready\n");
  ready = true;
  EXPECT_EQ(co_await ops(env, at, "GET", "/readyz"), "200 ok\n");
  EXPECT_EQ(co_await ops(env, at, "GET", "/metrics"), "200 # EOF\n");
  EXPECT_EQ((co_await ops(env, at, "POST", "/livez")).substr(0, 3), "405");
  EXPECT_EQ((co_await ops(env, at, "GET", "/v1/models")).substr(0, 3), "404");
}

TEST(OpsServer, says_whether_it_lives_and_why_it_is_not_ready) { test::run(serves_ops); }

}  // namespace
}  // namespace aigrid::io
