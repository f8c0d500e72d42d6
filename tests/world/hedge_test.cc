// Nodes that now and then begin late: who is urgent does not wait for them, and everything is counted once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "world/grid.h"
#include "world/scripted_node.h"

namespace aigrid::world {
namespace {

struct Outcome {
  std::vector<Duration> waits;  // of a stream for its first token, of a whole answer for all
  std::uint64_t asked_twice = 0;
  std::uint64_t waived_prompt_tokens = 0;  // as hedge_loser

  Duration percentile(double share) const {
    return waits.at(static_cast<std::size_t>(share * static_cast<double>(waits.size() - 1)));
  }
};

constexpr std::size_t kRequests = 600;

// All at one site whose nodes stall for two seconds at every fortieth answer; the other two are quick.
Outcome run(const std::string& tier, bool stream) {
  NodeScript quick;
  NodeScript stalling;
  stalling.stall_every = 40;
  GridOptions options;
  options.event_log = false;
  options.node = [&](io::Env& env, agent::AgentOptions o) {
    NodeScript& script = o.name.starts_with("paris") ? stalling : quick;
    return run_scripted_node(env, std::move(o), script);
  };
  WorldGrid grid(options);
  Outcome out;
  EXPECT_TRUE(grid.start());
  grid.world().run_for(1s);
  std::vector<std::shared_ptr<Asked>> all;
  Ask ask;
  ask.intent = "tier=" + tier;
  ask.stream = stream;
  for (std::size_t i = 0; i < kRequests; ++i) {
    all.push_back(grid.ask_at(grid.world().now() + static_cast<std::int64_t>(i) * 20ms, "paris", ask));
  }
  EXPECT_TRUE(grid.wait_over(all, 60s));
  std::string right;
  for (std::uint32_t n = 0; n < ask.max_tokens; ++n) right += token_text(n);
  std::uint64_t tokens = 0;
  for (const auto& a : all) {
    EXPECT_TRUE(a->complete) << a->code << a->why;
    EXPECT_EQ(a->text, right) << "nothing of the other attempt";
    EXPECT_EQ(a->roles, stream ? 1U : 0U);
    tokens += a->tokens;
    out.waits.push_back((stream ? a->first : a->ended) - a->asked);
  }
  std::sort(out.waits.begin(), out.waits.end());
  out.asked_twice = quick.seen.asked + stalling.seen.asked - kRequests;

  const std::uint64_t prompt = count_prompt(R"({"messages":[{"content":")" + ask.prompt + R"("}]})");
  const auto usage = grid.settled_usage();
  EXPECT_EQ(usage.value("requests", 0U), kRequests);
  EXPECT_EQ(usage.value("completion_tokens", std::uint64_t{0}), tokens);
  EXPECT_EQ(usage.value("prompt_tokens", std::uint64_t{0}), kRequests * prompt);
  std::uint64_t waived = 0;
  const auto said = grid.get("/api/v1/usage");  // must outlive the loop
  for (const auto& line : said.at("waived")) {
    if (line.value("reason", "") == "free_tier") continue;
    EXPECT_EQ(line.value("reason", ""), "hedge_loser");
    EXPECT_EQ(line.value("bearer", ""), "seller");
    out.waived_prompt_tokens += line.value("prompt_tokens", std::uint64_t{0});
    waived += line.value("completion_tokens", std::uint64_t{0});
  }
  EXPECT_EQ(tokens + waived, quick.seen.made + stalling.seen.made) << "what the nodes made, to the token";
  EXPECT_EQ(out.waived_prompt_tokens, out.asked_twice * prompt);
  return out;
}

void check(bool stream) {
  const Outcome standard = run("standard", stream);
  const Outcome urgent = run("realtime", stream);
  std::printf("%s p50, p99: standard %lld, %lld ms; realtime %lld, %lld ms with %llu of %zu asked twice\n",
              stream ? "first token" : "whole answer", static_cast<long long>(to_ms(standard.percentile(0.5))),
              static_cast<long long>(to_ms(standard.percentile(0.99))),
              static_cast<long long>(to_ms(urgent.percentile(0.5))),
              static_cast<long long>(to_ms(urgent.percentile(0.99))),
              static_cast<unsigned long long>(urgent.asked_twice), kRequests);
  EXPECT_EQ(standard.asked_twice, 0U);
  EXPECT_GT(to_ms(standard.percentile(0.99)), 1900);
  EXPECT_LT(to_ms(urgent.percentile(0.99)), stream ? 300 : 380);  // a whole answer takes 80 ms from its first token on
  EXPECT_GT(urgent.asked_twice, 5U);
  EXPECT_LE(urgent.asked_twice * 20, kRequests) << "the budget";
}

TEST(Hedge, AStallingNodeIsNotWaitedForByWhoIsUrgent) { check(true); }

TEST(Hedge, NorByWhoIsUrgentAndTakesItsAnswerWhole) { check(false); }

}  // namespace
}  // namespace aigrid::world
