// How an urgent request whose first token is late is asked at a second place, once.
#include <algorithm>
#include <utility>

#include "core/dispatch/request_life.h"
#include "core/resilience/hedge.h"

namespace aigrid::dispatch {

using routing::Decision;
using routing::NodeIndex;

namespace {

constexpr const char* kLost = "hedge_loser";

}  // namespace

Time RequestLife::asking_alarm() const {
  Time next = std::min(attempt_until_, hedge_at_);
  return rival_ ? std::min(next, rival_->until) : next;
}

void RequestLife::try_hedge(const Turn& turn) {
  hedge_at_ = kNever;
  if (!resilience::hedge_after(turn.snapshot.hedging, decision_.score.ttft_ms())) return;  // the budget is used up
  if (records_.size() >= budget_.recorded_attempts) return;
  routing::SiteSet others = input_.permitted;
  others.erase(decision_.site);
  auto kept = std::make_pair(asked_in_, before_);
  const Decision d = choose(turn, &others, false);
  std::swap(kept.first, asked_in_);
  std::swap(kept.second, before_);
  if (!d.ok()) return;
  hedged_ = undecided_ = true;
  const std::uint32_t number = number_attempt(d, turn).number;
  const Time until = std::min(turn.now + budget_.attempt_first_byte, accept_deadline());
  rival_ = Rival{number, d, turn.now, until, kept.first, kept.second};
  actions_.push_back(action::Ask{number, d, Duration{}, false, true});
}

// One of the two has begun to answer: it is the attempt, and the other was asked in vain.
void RequestLife::head_of_race(std::uint32_t winner, const Turn& turn) {
  if (winner == attempt_) return drop_rival(kLost);
  if (auto* line = record(attempt_)) line->hedge = true, line->result = kLost;
  actions_.push_back(action::Cancel{attempt_});
  // At least so long it would have taken: else only the quick ones were ever seen.
  actions_.push_back(action::Observed{decision_.site, false, turn.now - attempt_asked_, decision_.score.ttft_ms()});
  promote_rival(turn);
}

void RequestLife::drop_rival(const std::string& why) {
  if (!rival_) return;
  if (auto* line = record(rival_->attempt)) line->hedge = true, line->result = why;
  actions_.push_back(action::Cancel{rival_->attempt});
  rival_.reset();
}

void RequestLife::rival_failed(NodeIndex node, const std::string& why, const Turn& turn) {
  if (auto* line = record(rival_->attempt)) line->hedge = true, line->result = why;
  avoid(rival_->decision.site, node, turn.now);
  rival_.reset();
  set_alarm(asking_alarm());
}

void RequestLife::promote_rival(const Turn&) {
  attempt_ = rival_->attempt;
  decision_ = rival_->decision;
  attempt_asked_ = rival_->asked;
  attempt_until_ = rival_->until;
  asked_in_ = rival_->asked_in;
  before_ = rival_->before;
  rival_.reset();
  set_alarm(asking_alarm());
}

}  // namespace aigrid::dispatch
