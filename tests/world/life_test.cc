// The ends of a request's life: a law that changes under it, places that are down, bodies that do not come, a process
// that stops, a disk that is full. Each leaves an explicit answer and exactly one record.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using nlohmann::json;

GridOptions two_sites() {
  GridOptions out;
  out.sites = {"lyon", "zurich"};
  out.slots = 1;
  out.engine.answer_tokens = 2000;
  return out;
}

io::Task<void> talk(io::Env& env, io::Address to, std::string text, std::string& out, bool& done) {
  auto stream = co_await env.dial(to, 5s);
  if (stream.ok()) {
    (void)(co_await io::write_all(env, **stream, text)).ok();
    std::string piece(4096, '\0');
    for (;;) {
      const auto got = co_await io::read_some(env, **stream, piece);
      if (!got.ok() || *got == 0) break;
      out.append(piece, 0, *got);
    }
  }
  done = true;
}

// What the gateway of `site` says to these bytes until it closes.
std::string say(WorldGrid& grid, const std::string& site, const std::string& text) {
  std::string out;
  bool done = false;
  grid.world().spawn(site + "/client",
                     [&, site, text](io::Env& env) { return talk(env, WorldGrid::public_of(site), text, out, done); });
  EXPECT_TRUE(grid.world().run_until([&] { return done; }, 120s)) << out;
  return out;
}

std::string head(const WorldGrid& grid, std::size_t length) {
  return "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer " +
         grid.free_key() + "\r\ncontent-length: " + std::to_string(length) + "\r\n\r\n";
}

json body_of(const std::string& answer) {
  const auto at = answer.find("\r\n\r\n");
  return at == std::string::npos ? json() : json::parse(answer.substr(at + 4), nullptr, false);
}

void bind_free_to_france(WorldGrid& grid) {
  const json tenant{
      {"apiVersion", "aigrid/v1"}, {"kind", "Tenant"}, {"metadata", {{"name", "free"}}}, {"spec", {{"zone", "fr"}}}};
  const auto put = grid.call("POST", "/api/v1/apply", {{"resources", {tenant}}});
  ASSERT_TRUE(put.ok()) << put.body;
}

Ask long_stream(std::uint32_t tokens = 2000) {
  Ask out;
  out.max_tokens = tokens;
  return out;
}

// A policy whose zone shrinks under a running stream: where it says drain, the stream moves; where it does not, it is
// cut.
TEST(Life, APolicyThatDrainsLetsAStreamMoveAway) {
  for (const std::string on_change : {"drain", "cut"}) {
    SCOPED_TRACE(on_change);
    WorldGrid grid(two_sites());
    ASSERT_TRUE(grid.start());
    const auto bind = [&](const char* zone) {
      const json policy{{"apiVersion", "aigrid/v1"},
                        {"kind", "Policy"},
                        {"metadata", {{"name", "where"}}},
                        {"spec", {{"tenants", {"free"}}, {"zone", zone}, {"on_change", on_change}}}};
      const auto put = grid.call("POST", "/api/v1/apply", {{"resources", {policy}}});
      ASSERT_TRUE(put.ok()) << put.body;
    };
    grid.world().run_for(1s);
    const auto probes = grid.counted("lyon-1").requests;
    auto stream = grid.ask("zurich", long_stream(600));
    grid.world().run_for(2s);
    EXPECT_EQ(grid.counted("zurich-1").running, 1U);
    bind("fr");
    if (on_change == "cut") {
      ASSERT_TRUE(grid.wait_over({stream}, 5s));
      EXPECT_EQ(stream->code, "policy_cut");
      continue;
    }
    ASSERT_TRUE(grid.wait_over({stream}, 30s));
    EXPECT_TRUE(stream->complete) << stream->code << stream->why;
    EXPECT_EQ(stream->tokens, 600U);
    EXPECT_EQ(stream->resumed, 1U);
    EXPECT_EQ(grid.counted("zurich-1").running, 0U);
    EXPECT_EQ(grid.counted("lyon-1").requests - probes, 1U);
    EXPECT_LE(to_ms(stream->longest_pause), 700);
    auto next = grid.ask("zurich", long_stream(5));
    ASSERT_TRUE(grid.wait_over({next}, 10s));
    EXPECT_EQ(next->site, "lyon") << "nothing begins where only what ran might stay";
  }
}

// And where it cannot move, it is cut when the while is over.
TEST(Life, APolicyThatDrainsCutsInTheEnd) {
  GridOptions options = two_sites();
  options.engine.decode_tokens_per_s = 20;  // 100 s for the whole answer
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  grid.world().kill("lyon/lyon-1");
  grid.world().run_for(1s);
  auto stream = grid.ask("zurich", long_stream());
  grid.world().run_for(1s);
  const json policy{{"apiVersion", "aigrid/v1"},
                    {"kind", "Policy"},
                    {"metadata", {{"name", "where"}}},
                    {"spec", {{"tenants", {"free"}}, {"zone", "fr"}, {"on_change", "drain"}}}};
  const auto put = grid.call("POST", "/api/v1/apply", {{"resources", {policy}}});
  ASSERT_TRUE(put.ok()) << put.body;
  const Time changed = grid.world().now();
  ASSERT_TRUE(grid.wait_over({stream}, 90s));
  EXPECT_EQ(stream->code, "policy_cut") << stream->why;
  EXPECT_GE(to_ms(stream->ended - changed), 59'000);
  EXPECT_LE(to_ms(stream->ended - changed), 63'000);
}

TEST(Life, ALawTightenedWhileARequestWaitsIsObeyed) {
  for (const std::string from : {"zurich", "lyon"}) {  // in the queue of its own site, and in a peer's
    SCOPED_TRACE(from);
    WorldGrid grid(two_sites());
    ASSERT_TRUE(grid.start());
    grid.world().kill("lyon/lyon-1");
    grid.world().run_for(1s);
    auto running = grid.ask(from, long_stream());
    grid.world().run_for(1s);
    auto waiting = grid.ask(from, long_stream(5));
    grid.world().run_for(1s);
    const auto before = grid.counted("zurich-1");
    EXPECT_EQ(before.running, 1U);
    EXPECT_FALSE(waiting->over);
    bind_free_to_france(grid);
    ASSERT_TRUE(grid.wait_over({running}, 5s)) << "a stream in a forbidden place goes on";
    EXPECT_EQ(running->code, "policy_cut") << running->why;
    EXPECT_FALSE(running->complete);
    grid.world().run_for(3s);
    EXPECT_FALSE(waiting->over) << waiting->code << waiting->why;
    grid.restart_agent("lyon-1");
    ASSERT_TRUE(grid.wait_over({waiting}, 20s));
    EXPECT_TRUE(waiting->complete) << waiting->status << waiting->code << waiting->why;
    EXPECT_EQ(waiting->site, "lyon");
    EXPECT_EQ(grid.counted("zurich-1").requests, before.requests) << "it went where the new law forbids";
    EXPECT_EQ(grid.settled_usage().value("requests", 0U), 2U);
  }
}

TEST(Life, ALawThatChangesNothingDisturbsNothing) {
  WorldGrid grid(two_sites());
  ASSERT_TRUE(grid.start());
  Ask at_home = long_stream(300);
  at_home.intent = "zone=\"fr\"";
  auto running = grid.ask("lyon", at_home);
  auto waiting = grid.ask("lyon", at_home);
  grid.world().run_for(1s);
  for (int i = 0; i < 5; ++i) {  // sites come and go: every index moves, each time
    const json spec{{"kind", "metro"},      {"operator", "op"}, {"country", "FR"},
                    {"jurisdiction", "FR"}, {"lat", 46},        {"lon", 4}};
    const json site{{"apiVersion", "aigrid/v1"},
                    {"kind", "Site"},
                    {"metadata", {{"name", "a" + std::to_string(i)}}},
                    {"spec", spec}};
    const auto put = grid.call("POST", "/api/v1/apply", {{"resources", {site}}});
    ASSERT_TRUE(put.ok()) << put.body;
    grid.world().run_for(200ms);
  }
  ASSERT_TRUE(grid.wait_over({running, waiting}, 30s));
  EXPECT_TRUE(running->complete) << running->code << running->why;
  EXPECT_TRUE(waiting->complete) << waiting->code << waiting->why;
  EXPECT_GT(waiting->first - waiting->asked, 2s) << "it did not wait for the slot";
  EXPECT_EQ(grid.counted("lyon-1").most_running, 1U);
}

TEST(Life, NoPlaceUpIsSaidAfterTenSeconds) {
  WorldGrid grid(two_sites());
  ASSERT_TRUE(grid.start());
  grid.world().kill("lyon/lyon-1");
  grid.world().kill("zurich/zurich-1");
  grid.world().run_for(1s);
  const Time asked = grid.world().now();
  const std::string question = R"({"model":"small","messages":[{"role":"user","content":"x"}]})";
  const std::string answer = say(grid, "lyon", head(grid, question.size()) + question);
  EXPECT_EQ(answer.substr(0, 13), "HTTP/1.1 503 ") << answer;
  EXPECT_NE(answer.find("retry-after: 2\r\n"), std::string::npos) << answer;
  EXPECT_EQ(body_of(answer)["error"]["code"], "no_capacity");
  const auto took = to_ms(grid.world().now() - asked);
  EXPECT_GE(took, 10'000);
  EXPECT_LT(took, 11'000);
}

TEST(Life, ABodyThatIsTooLargeIsRefusedBeforeItIsRead) {
  WorldGrid grid(two_sites());
  ASSERT_TRUE(grid.start());
  for (const std::size_t size : {std::size_t{11} << 20U, std::size_t{100} << 20U}) {
    const std::string answer = say(grid, "lyon", head(grid, size));
    EXPECT_EQ(answer.substr(0, 13), "HTTP/1.1 413 ") << answer;
    EXPECT_NE(answer.find("x-request-id: req_lyon-gw_"), std::string::npos) << answer;
    const json error = body_of(answer)["error"];
    EXPECT_EQ(error["code"], "request_too_large");
    EXPECT_NE(error["message"].get<std::string>().find("10485760"), std::string::npos) << error;
    EXPECT_NE(error["message"].get<std::string>().find(std::to_string(size)), std::string::npos) << error;
  }
}

TEST(Life, ABodyThatDoesNotComeLeavesARecord) {
  WorldGrid grid(two_sites());
  ASSERT_TRUE(grid.start());
  const std::string answer = say(grid, "lyon", head(grid, 100) + "{");
  EXPECT_EQ(answer.substr(0, 13), "HTTP/1.1 408 ") << answer;
  EXPECT_EQ(body_of(answer)["error"]["code"], "request_timeout");
  EXPECT_NE(answer.find("connection: close"), std::string::npos);
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), 1U);
}

TEST(Life, WhatADrainLeavesIsToldAndRecorded) {
  auto options = two_sites();
  options.gateway = [](const std::string&, gateway::GatewayOptions& o) { o.cadence.drain_within = 2s; };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  auto stream = grid.ask("lyon", long_stream());
  auto whole = long_stream();
  whole.stream = false;
  auto other = grid.ask("lyon", whole);
  std::string cut;
  bool closed = false;
  grid.world().spawn("lyon/client", [&](io::Env& env) {  // in the middle of its body when the process ends
    return talk(env, WorldGrid::public_of("lyon"), head(grid, 100) + "{", cut, closed);
  });
  grid.world().run_for(1s);
  grid.world().stop("lyon/gateway");
  ASSERT_TRUE(grid.world().run_until([&] { return grid.exit_code("lyon/gateway") == 0; }, 10s));
  ASSERT_TRUE(grid.wait_over({stream, other}, 5s));
  EXPECT_EQ(stream->code, "gateway_stopping") << stream->why;
  EXPECT_FALSE(stream->complete);
  EXPECT_EQ(other->status, 503);
  EXPECT_EQ(other->code, "gateway_stopping");
  grid.restart_gateway("lyon");
  ASSERT_TRUE(grid.wait_ready());
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), 3U);
}

TEST(Life, AFullDiskBoundsWhatMemoryKeeps) {
  auto options = two_sites();
  options.gateway = [](const std::string&, gateway::GatewayOptions& o) { o.cadence.records.most_homeless = 3; };
  WorldGrid grid(options);
  ASSERT_TRUE(grid.start());
  grid.world().set_free_bytes("lyon/gateway", 0);
  std::vector<std::shared_ptr<Asked>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(grid.ask("lyon", long_stream(2)));
    ASSERT_TRUE(grid.wait_over(all, 10s));
  }
  for (int i = 0; i < 6; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)]->status, i < 3 ? 200 : 503) << i;
  EXPECT_EQ(all[5]->code, "no_capacity");
  grid.world().set_free_bytes("lyon/gateway", 1'000'000'000);
  grid.world().run_for(3s);
  all.push_back(grid.ask("lyon", long_stream(2)));
  ASSERT_TRUE(grid.wait_over(all, 10s));
  EXPECT_TRUE(all[6]->complete) << all[6]->code;
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), 4U);
}

TEST(Life, ADryRunDecidesAndMakesNoToken) {
  WorldGrid grid(two_sites());
  ASSERT_TRUE(grid.start());
  grid.world().run_for(1s);
  const auto before = grid.engines().total();
  const auto dry = [&](const std::string& zone) {
    const json question{{"model", "small"},
                        {"messages", {{{"role", "user"}, {"content", "x"}}}},
                        {"stream", true},
                        {"grid", {{"dry_run", true}, {"zone", zone}}}};
    const std::string text = question.dump();
    return say(grid, "lyon", head(grid, text.size()) + text);
  };
  const std::string answer = dry("ch");
  EXPECT_EQ(answer.substr(0, 13), "HTTP/1.1 200 ") << answer;
  const json said = body_of(answer);
  EXPECT_EQ(said["object"], "grid.dry_run");
  EXPECT_EQ(said["grid"]["site"], "zurich");
  EXPECT_TRUE(said["grid"]["dry_run"].get<bool>());
  EXPECT_GT(said["grid"]["predicted_ttft_ms"].get<double>(), 4.0);
  EXPECT_EQ(said["grid"]["price"]["most_nano"], 0) << "no price book";
  EXPECT_EQ(said["grid"]["explanation"].size(), 2U);
  const auto after = grid.engines().total();
  EXPECT_EQ(after.requests, before.requests);
  bind_free_to_france(grid);
  grid.world().run_for(1s);
  const std::string refused = dry("ch");
  EXPECT_EQ(refused.substr(0, 13), "HTTP/1.1 403 ") << refused;
  EXPECT_EQ(body_of(refused)["error"]["explanation"].size(), 2U) << refused;
  EXPECT_EQ(grid.settled_usage().value("requests", 0U), 2U);
}

}  // namespace
}  // namespace aigrid::world
