// Nodes that now and then begin late: who is urgent does not wait for them, and everything is counted once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "world/grid.h"
#include "world/scripted_node.h"

namespace aigrid::world {
namespace {

struct Outcome {
  std::vector<Duration> first_tokens;
  std::uint64_t asked_twice = 0;
  std::uint64_t waived_prompt_tokens = 0;  // as hedge_loser

  Duration percentile(double share) const {
    return first_tokens.at(static_cast<std::size_t>(share * static_cast<double>(first_tokens.size() - 1)));
  }
};

constexpr std::size_t kRequests = 600;

// All at one site whose nodes stall for two seconds at every fortieth answer; the other two are quick.
Outcome run(const std::string& tier) {
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
    EXPECT_EQ(a->roles, 1U);
    tokens += a->tokens;
    out.first_tokens.push_back(a->first - a->asked);
  }
  std::sort(out.first_tokens.begin(), out.first_tokens.end());
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

TEST(Hedge, AStallingNodeIsNotWaitedForByWhoIsUrgent) {
  const Outcome standard = run("standard");
  const Outcome urgent = run("realtime");
  std::printf(
      "first token p50, p99: standard %lld, %lld ms; realtime %lld, %lld ms with %llu of %zu asked twice\n",
      static_cast<long long>(to_ms(standard.percentile(0.5))), static_cast<long long>(to_ms(standard.percentile(0.99))),
      static_cast<long long>(to_ms(urgent.percentile(0.5))), static_cast<long long>(to_ms(urgent.percentile(0.99))),
      static_cast<unsigned long long>(urgent.asked_twice), kRequests);
  EXPECT_EQ(standard.asked_twice, 0U);
  EXPECT_GT(to_ms(standard.percentile(0.99)), 1900);
  EXPECT_LT(to_ms(urgent.percentile(0.99)), 300);
  EXPECT_GT(urgent.asked_twice, 5U);
  EXPECT_LE(urgent.asked_twice * 20, kRequests) << "the budget";
}

}  // namespace
}  // namespace aigrid::world
