// Six gateways, one home at a time, requests, lost answers, deaths and successors, from seeds: what was admitted in any
// minute, what runs at a time and what was spent in a day never pass the limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>

#include "base/random.h"
#include "core/admission/lease_holder.h"

namespace aigrid::admission {
namespace {

constexpr WallTime kWall{std::chrono::seconds(1'763'769'600)};

class Sim {
 public:
  explicit Sim(std::uint64_t seed) : random_(seed) {
    limits_.requests_per_minute = 120;
    limits_.concurrent_requests = 12;
    limits_.spend_nano_per_day = 40'000;
    for (int i = 0; i < 6; ++i) start(i);
  }

  void run() {
    for (int step = 0; step < 30'000; ++step) {
      now_ += 10ms;
      end_some();
      if (random_.below(3) == 0) request(static_cast<int>(random_.below(6)));
      for (auto& g : gateways_) {
        if (g.alive && g.holder->due(now_)) (void)exchange(g, nullptr);
      }
      if (random_.below(3000) == 0) die(static_cast<int>(random_.below(6)));
      if (random_.below(600) == 0) start(static_cast<int>(random_.below(6)));
      check();
      if (::testing::Test::HasFatalFailure()) return;
    }
    EXPECT_GT(admitted_, 300) << "the limits were never used";
    EXPECT_GT(refused_, 100) << "the limits were never met";
  }

 private:
  struct Gateway {
    bool alive = false;
    std::uint64_t epoch = 0;
    std::unique_ptr<LeaseHolder> holder;
    LeaseBook book{LeaseTimes{}};
  };
  struct Running {
    int gateway;
    std::uint64_t epoch;
    Need need;
    Time end;
  };

  void start(int i) {
    auto& g = gateways_[static_cast<std::size_t>(i)];
    if (g.alive) return;
    g.alive = true;
    ++g.epoch;
    g.holder = std::make_unique<LeaseHolder>("key/k", "g" + std::to_string(i), g.epoch, LeaseTimes{});
    g.holder->set_limits(limits_);
  }

  void die(int i) {
    int alive = 0;
    for (const auto& g : gateways_) alive += g.alive ? 1 : 0;
    auto& g = gateways_[static_cast<std::size_t>(i)];
    if (!g.alive || alive < 3) return;
    g.alive = false;
    if (acting_ == &g) acting_ = nullptr;
    std::erase_if(running_, [&](const Running& r) { return r.gateway == i; });
  }

  Homes homes() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < gateways_.size(); ++i) {
      if (gateways_[i].alive) names.push_back("g" + std::to_string(i));
    }
    return homes_of("key/k", names);
  }
  Gateway& named(const std::string& name) { return gateways_[static_cast<std::size_t>(name[1] - '0')]; }

  // A question to the home, which writes to its successor what it lends; the answer may get lost.
  grid::LeaseAnswer exchange(Gateway& g, const Need* need) {
    const Homes at = homes();
    Gateway& home = named(at.home);
    if (acting_ != &home) {  // who becomes home asks the others for a newer book
      for (auto& other : gateways_) {
        if (other.alive && other.book.version() > home.book.version()) {
          home.book.load(other.book.state("key/k", now_), Duration{}, now_);
        }
      }
      home.book.begin_term(now_);
      acting_ = &home;
      kept_with_.clear();
    }
    const auto ask = g.holder->ask(need, 6);
    const auto answer = home.book.on_ask(ask, now_, kWall);
    if ((answer.granted && ask.want != grid::Amounts{}) || at.successor != kept_with_) {
      kept_with_ = at.successor;
      named(at.successor).book.load(home.book.state("key/k", now_), Duration{}, now_);
    }
    if (random_.below(50) == 0) {
      g.holder->on_no_answer();
      return {};
    }
    g.holder->on_answer(answer, now_, now_);
    return answer;
  }

  void request(int i) {
    auto& g = gateways_[static_cast<std::size_t>(i)];
    if (!g.alive) return;
    const Need need{0, 20 + static_cast<std::int64_t>(random_.below(60))};
    for (int round = 0; round < 2; ++round) {
      if (g.holder->reserve(need, now_)) {
        ++admitted_;
        begun_.push_back(now_);
        running_.push_back({i, g.epoch, need, now_ + std::chrono::milliseconds(random_.below(6000))});
        return;
      }
      if (round == 0 && !exchange(g, &need).granted) break;
    }
    ++refused_;
  }

  void end_some() {
    for (auto& r : running_) {
      if (random_.below(40) == 0) {  // known now to need less
        const Need most{0, 1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(r.need.spend_nano)))};
        r.need = gateways_[static_cast<std::size_t>(r.gateway)].holder->lower(r.need, most);
      }
      if (r.end > now_) continue;
      const Need used{0, static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(r.need.spend_nano)))};
      spent_ += used.spend_nano;
      gateways_[static_cast<std::size_t>(r.gateway)].holder->settle(r.need, used);
    }
    std::erase_if(running_, [&](const Running& r) { return r.end <= now_; });
  }

  void check() {
    while (!begun_.empty() && now_ - begun_.front() >= 60s) begun_.pop_front();
    ASSERT_LE(begun_.size(), limits_.requests_per_minute);
    ASSERT_LE(running_.size(), limits_.concurrent_requests);
    ASSERT_LE(spent_, limits_.spend_nano_per_day);
  }

  Random random_;
  grid::Limits limits_;
  Time now_ = Time{} + 1h;
  std::array<Gateway, 6> gateways_;
  Gateway* acting_ = nullptr;
  std::string kept_with_;  // the successor that has the newest copy
  std::vector<Running> running_;
  std::deque<Time> begun_;
  std::int64_t spent_ = 0;
  int admitted_ = 0;
  int refused_ = 0;
};

TEST(LeaseSim, SixGatewaysNeverPassALimitWhoeverDies) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Sim(seed).run();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace aigrid::admission
