// For the tests of RequestLife: its actions as words, and a life over four cities.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/dispatch/request_life.h"
#include "core/routing/test_grid.h"

namespace aigrid::dispatch {

using routing::kNone;
using routing::TestGrid;
using State = RequestLife::State;
using Verdict = event::Refused::Verdict;

// Actions as words, for tables: `ask:paris cancel alarm fail:503 finish:refused`.
inline std::string words(const std::vector<Action>& actions, const TestGrid& grid) {
  static const char* const kOutcomes[] = {"finished", "client_gone", "refused", "failed", "timed_out", "ingress_lost"};
  struct Visitor {
    const TestGrid& grid;
    std::string operator()(const action::Ask& a) const {
      return (a.hedge ? "hedge:" : a.beside ? "beside:" : "ask:") + grid.name(a.decision.site);
    }
    std::string operator()(const action::Stay&) const { return "stay"; }
    std::string operator()(const action::Won& w) const { return "won:" + std::to_string(w.attempt); }
    std::string operator()(const action::Cancel&) const { return "cancel"; }
    std::string operator()(const action::Observed&) const { return ""; }
    std::string operator()(const action::SetAlarm&) const { return "alarm"; }
    std::string operator()(const action::Answer&) const { return "answer"; }
    std::string operator()(const action::Fail& f) const {
      return (f.mid_stream ? "break:" : "fail:") + std::to_string(f.status);
    }
    std::string operator()(const action::Complete& c) const { return c.length ? "complete:length" : "complete"; }
    std::string operator()(const action::Finish& f) const {
      return std::string("finish:") + kOutcomes[static_cast<int>(f.outcome)];
    }
  };
  std::string out;
  for (const auto& a : actions) {
    const std::string word = std::visit(Visitor{grid}, a);
    out += (out.empty() || word.empty() ? "" : " ") + word;
  }
  return out;
}

template <class T>
const T* find(const std::vector<Action>& actions) {
  for (const auto& a : actions) {
    if (const T* t = std::get_if<T>(&a)) return t;
  }
  return nullptr;
}

class Life {
 public:
  explicit Life(bool stream = true) : stream_(stream) {}

  const std::vector<Action>& raw(const Event& e) {
    if (!life_) life_.emplace(budget, grid.input, 1, stream_);
    return life_->on_event(e, grid.snapshot(), grid.now);
  }
  std::string on(const Event& e) { return words(raw(e), grid); }
  std::string alarm_after(Duration d) {
    grid.now += d;
    touch();
    return on(event::Alarm{});
  }
  // Rows keep coming while time passes.
  void touch() {
    for (auto& r : grid.rows.site_rows) r.at = grid.now;
  }
  RequestLife& operator*() { return *life_; }
  RequestLife* operator->() { return &*life_; }

  void reach(State s) {
    on(event::Start{});
    if (s == State::Waiting) return;
    if (s == State::Relaying || s == State::Cancelling || s == State::Done) on(event::Head{1, grid.node("paris-1")});
    if (s == State::Cancelling) on(event::ClientGone{});
    if (s == State::Done) on(event::End{1, {10, 5, 0}, "stop", false});
  }

  TestGrid grid{routing::test_inventory(routing::four_cities()), "paris"};
  Budget budget;

 private:
  bool stream_;
  std::optional<RequestLife> life_;
};

inline event::Refused refused(std::uint32_t attempt, Verdict v, int status = 503, std::string code = "busy") {
  event::Refused r;
  r.attempt = attempt;
  r.verdict = v;
  r.status = status;
  r.code = std::move(code);
  r.message = "said so";
  return r;
}

// Relaying a stream of which 7 tokens were delivered.
inline void stream_seven(Life& life, Resume mode = Resume::Tokens) {
  life.on(event::Start{});
  life.on(event::Head{1, life.grid.node("paris-1"), mode, 0});
  life.on(event::Progress{1, 70, 7, mode});
}

// The same cities; those named drain.
inline std::vector<Action> drain(Life& life, const std::vector<std::string>& sites, const std::string& node = "") {
  auto inventory = routing::test_inventory(routing::four_cities());
  for (auto& s : inventory.sites) s.drain = std::find(sites.begin(), sites.end(), s.name) != sites.end();
  for (auto& n : inventory.nodes) n.drain = n.name == node;
  const auto before = life.grid.tables;
  life.grid.tables = *routing::compile(inventory);
  life->rebind(life.grid.input, {*before, *life.grid.tables});
  return life.raw(event::LawChanged{});
}

}  // namespace aigrid::dispatch
