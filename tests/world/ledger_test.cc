// The mixed run: many requests, three in ten left by their client at a random moment, while a gateway, a node and a
// whole site die and come back. At the end every request that anybody knows of has one record, and the engines' own
// counters are the ledger's sums: what was billed and what was waived.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "base/random.h"
#include "format/inner/records.h"
#include "io/store/database.h"
#include "world/grid.h"

namespace aigrid::world {
namespace {

using nlohmann::json;
using Asks = std::vector<std::shared_ptr<Asked>>;

struct Sums {
  std::uint64_t prompt = 0;
  std::uint64_t completion = 0;
};

Sums operator-(const Sums& a, const Sums& b) { return {a.prompt - b.prompt, a.completion - b.completion}; }

class MixedRun {
 public:
  explicit MixedRun(std::size_t requests) : requests_(requests), random_(11), grid_(options()) {}

  void run();

 private:
  static GridOptions options();
  static constexpr double kPerSecond = 60;
  // So many requests from now on, and while they come, what `harm` does.
  void load(std::size_t count, const std::function<void(Duration span)>& harm);
  void kill_engines(Duration span);
  void kill_gateways(Duration span);
  // A line of the drill's table.
  void say(const char* what, std::uint64_t off) const {
    std::printf("| virtual engines, %zu requests, %zu left by their client: %s | %llu | 0 | %s |\n", asked_.size(),
                left(), what, static_cast<unsigned long long>(off), off == 0 ? "" : "**missed**");
  }
  std::size_t left() const {
    return static_cast<std::size_t>(std::count_if(asked_.begin(), asked_.end(), [](const auto& a) { return a->left; }));
  }
  Sums engines() const;
  Sums ledger();
  void check_records();
  void check_attempts(io::Database& db) const;

  std::size_t requests_;
  Random random_;
  WorldGrid grid_;
  Asks asked_;
};

GridOptions MixedRun::options() {
  GridOptions o;
  o.slots = 8;
  o.engine.tail_tokens = 2;
  o.event_log = false;
  o.log_level = Level::Warning;
  o.control = [](control::ControlOptions& c) {
    c.limits.orphan_grace = 20s;
    c.limits.orphans_every = 2s;
  };
  return o;
}

void MixedRun::load(std::size_t count, const std::function<void(Duration span)>& harm) {
  Asks all;
  const Time begin = grid_.world().now();
  for (std::size_t i = 0; i < count; ++i) {
    Ask ask;
    ask.stream = random_.below(3) != 0;
    const auto tokens = 2 + random_.below(22);
    ask.max_tokens = static_cast<std::uint32_t>(tokens);
    ask.prompt = "tell me";
    for (auto n = random_.below(60); n > 0; --n) ask.prompt += " more";
    if (random_.below(10) < 3) {  // while it is queued, read or made: ten milliseconds a token
      ask.leave_after = std::chrono::microseconds(random_.below(20'000 + tokens * 10'000));
    }
    const Time at = begin + from_ms_f(1000.0 * static_cast<double>(i) / kPerSecond);
    all.push_back(grid_.ask_at(at, grid_.options().sites[random_.below(grid_.options().sites.size())], ask));
  }
  const Duration span = from_ms_f(1000.0 * static_cast<double>(count) / kPerSecond);
  harm(span);
  ASSERT_TRUE(grid_.wait_over(all, span + 180s));
  asked_.insert(asked_.end(), all.begin(), all.end());
}

// With a node or a site the engine dies, and with it what it alone knew.
void MixedRun::kill_engines(Duration span) {
  grid_.world().run_for(span / 4);
  grid_.world().kill("paris/paris-1");
  grid_.world().run_for(span / 8);
  grid_.restart_agent("paris-1");
  grid_.world().run_for(span / 8);
  grid_.kill_site("lyon");
  grid_.world().run_for(span / 4);
  grid_.restart_site("lyon");
}

void MixedRun::kill_gateways(Duration span) {
  for (const char* site : {"zurich", "paris", "lyon"}) {
    grid_.world().run_for(span / 8);
    grid_.world().kill(WorldGrid::gateway_host(site));
    grid_.world().run_for(span / 16);
    grid_.restart_gateway(site);
  }
  grid_.world().run_for(span / 16);
  grid_.world().kill("control/control");
  grid_.world().run_for(span / 8);
  grid_.restart_control();
}

Sums MixedRun::engines() const {
  Sums out;
  for (const auto& node : grid_.nodes()) {
    const auto counts = grid_.counted(node);
    out.prompt += counts.prompt_tokens;
    out.completion += counts.completion_tokens;
  }
  return out;
}

Sums MixedRun::ledger() {
  EXPECT_TRUE(grid_.wait_ready());
  grid_.world().run_for(40s);  // whoever lost its ingress is closed
  const json total = grid_.settled_usage();
  const auto number = [&](const char* name) { return total.value(name, std::uint64_t{0}); };
  return {number("billed_prompt_tokens") + number("waived_prompt_tokens"),
          number("billed_completion_tokens") + number("waived_completion_tokens")};
}

// Every request whose id a client was told has its record; what came twice with other content is in question.
void MixedRun::check_records() {
  const json usage = grid_.get("/api/v1/usage");
  EXPECT_TRUE(usage.at("in_question").empty()) << usage.at("in_question").dump(1).substr(0, 2000);
  EXPECT_TRUE(usage.at("unknown").empty()) << usage.at("unknown").dump(1);
  grid_.world().kill("control/control");
  grid_.world().restart("control/control");  // the machine, without its program
  auto& env = grid_.world().env("control/control");
  auto db = io::Database::open(env.files(), "/var/control/control.db", 1, env.wall());
  ASSERT_TRUE(db.ok()) << db.error().message;
  auto rows = (*db)->prepare("SELECT id FROM request");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  std::set<std::string> recorded;
  for (;;) {
    const auto more = rows->step();
    if (!more.ok() || !*more) break;
    recorded.insert(rows->text(0));
  }
  std::size_t missing = 0;
  for (const auto& a : asked_) {
    if (a->request_id.empty() || recorded.contains(a->request_id)) continue;
    if (missing++ < 5) ADD_FAILURE() << "no record of " << a->request_id << ", status " << a->status << " " << a->why;
  }
  EXPECT_EQ(missing, 0U);
  check_attempts(**db);
  std::size_t requests = 0;  // the rest is what nodes did for none
  for (const auto& id : recorded) requests += id.find('/') == std::string::npos ? 1 : 0;
  EXPECT_EQ(usage.at("total").value("requests", std::size_t{0}), requests);
  EXPECT_LE(requests, asked_.size());
  say("records missing", missing);
  say("records doubled", usage.at("in_question").size());
}

// No terminal record says more of an attempt than the node that did it.
void MixedRun::check_attempts(io::Database& db) const {
  auto rows = db.prepare(
      "SELECT a.line,r.line FROM attempt a JOIN request q ON q.id=a.request"
      " JOIN record r ON r.source=q.source AND r.epoch=q.epoch AND r.sequence=q.sequence");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  std::size_t overstated = 0;
  for (;;) {
    const auto more = rows->step();
    if (!more.ok() || !*more) break;
    const auto attempt = inner::decode_agent_record(rows->text(0));
    const auto record = inner::decode_record(rows->text(1));
    ASSERT_TRUE(attempt.ok() && record.ok());
    for (const auto& a : record->attempts) {
      if (a.number != attempt->attempt) continue;
      const bool fits = a.usage.prompt_tokens <= attempt->usage.prompt_tokens &&
                        std::max(a.usage.completion_tokens, a.heard_tokens) <= attempt->usage.completion_tokens;
      if (!fits && overstated++ < 5) ADD_FAILURE() << rows->text(0) << "\n" << rows->text(1);
    }
  }
  EXPECT_EQ(overstated, 0U);
}

void MixedRun::run() {
  ASSERT_TRUE(grid_.start());
  load(requests_ / 2, [this](Duration span) { kill_engines(span); });
  const Sums engines_killed = engines();
  const Sums ledger_killed = ledger();
  // What dead engines made and nobody heard of: the tokens that were under way in three deaths.
  EXPECT_GE(engines_killed.prompt, ledger_killed.prompt);
  EXPECT_GE(engines_killed.completion, ledger_killed.completion);
  const Sums lost = engines_killed - ledger_killed;
  EXPECT_LE(lost.completion, 3U * 8U * 24U);
  load(requests_ - requests_ / 2, [this](Duration span) { kill_gateways(span); });
  const Sums made = engines() - engines_killed;
  const Sums recorded = ledger() - ledger_killed;
  EXPECT_EQ(made.prompt, recorded.prompt);
  EXPECT_EQ(made.completion, recorded.completion);
  say("prompt tokens, engines' own counters - ledger", made.prompt - recorded.prompt);
  say("generated tokens, engines' own counters - ledger", made.completion - recorded.completion);
  std::printf(
      "| the same: tokens that three deaths of engines took with them, of which nobody had heard | %llu | | |\n",
      static_cast<unsigned long long>(lost.prompt + lost.completion));
  check_records();
}

// 1,000, or as many as the drill says.
std::size_t requests_to_make() {
  const char* text = std::getenv("AIGRID_LEDGER_REQUESTS");
  return text == nullptr ? 1000 : static_cast<std::size_t>(std::atoll(text));
}

TEST(Ledger, MixedRunWithAbortsAndDeathsIsExact) { MixedRun(requests_to_make()).run(); }

}  // namespace
}  // namespace aigrid::world
