// Where a request is asked: the choice under what was tried, what is avoided, and how long it may wait.
#include <algorithm>
#include <utility>

#include "core/dispatch/refusal.h"
#include "core/dispatch/request_life.h"
#include "core/resilience/hedge.h"

namespace aigrid::dispatch {

using routing::Decision;
using routing::Filter;
using routing::kNone;

routing::Explanation RequestLife::explain(const routing::Snapshot& snapshot, Time now) const {
  routing::RouteInput input = input_;
  input.permitted = asked_in_;
  input.excluded = excluded_;
  Random random = before_;
  routing::Explanation why;
  (void)routing::choose_site(snapshot, input, now, random, &why);
  return why;
}

std::uint8_t RequestLife::hops() const {
  // Who names the sites, or would rather wait than pay, is not handed on.
  const auto* intent = input_.intent;
  const bool stays = intent != nullptr && (!intent->only_sites.empty() || !intent->ignore_sites.empty() ||
                                           !intent->allow_fallbacks || intent->sort == grid::Sort::Price);
  return stays ? 1 : input_.hops;
}

Time RequestLife::accept_deadline() const {
  const Duration within = answered_ ? budget_.resume_within : budget_.first_byte;
  return std::min(asking_since_ + within, started_ + budget_.total);
}

Time RequestLife::wait_deadline(Time now) const {
  const Duration waited = waited_ + (state_ == State::Waiting ? now - waiting_since_ : Duration{});
  const Time most = std::min(accept_deadline(), now + (budget_.no_site_wait - waited));
  const auto* intent = input_.intent;
  if (answered_ || intent == nullptr || !intent->require_ttft || !intent->max_ttft_ms) return most;
  return std::min(most, asking_since_ + from_ms_f(std::min(*intent->max_ttft_ms, 1e9)));
}

Decision RequestLife::choose(const Turn& turn, const routing::SiteSet* only, bool forgiving) {
  excluded_.clear();
  for (const auto& a : avoided_) {
    if (!forgiving || a.until > turn.now) excluded_.push_back(a.place);
  }
  routing::RouteInput input = input_;
  input.excluded = excluded_;
  if (only != nullptr) input.permitted &= *only;
  if (first_site_ != kNone && input_.intent != nullptr && !input_.intent->allow_fallbacks) {
    routing::SiteSet first;
    first.insert(first_site_);
    input.permitted &= first;
  }
  asked_in_ = input.permitted;
  before_ = random_;
  return routing::choose_site(turn.snapshot, input, turn.now, random_, nullptr);
}

void RequestLife::look(const Turn& turn, const routing::SiteSet* only, bool forgiving) {
  const Decision d = choose(turn, only, forgiving);
  if (d.ok()) return ask(d, turn);
  if (only != nullptr) return look(turn, nullptr, forgiving);  // none of the proposed: any
  if (d.refused_by != Filter::Capacity) return refuse(d, turn);
  const Time until = wait_deadline(turn.now);
  if (turn.now >= until) return no_capacity(refusal(turn.snapshot, input_, d, turn.now).message);
  if (state_ != State::Waiting) waiting_since_ = turn.now;
  state_ = State::Waiting;
  attempt_until_ = std::min(turn.now + budget_.no_site_retry, until);
  set_alarm(attempt_until_);
}

void RequestLife::ask(const Decision& d, const Turn& turn) {
  if (state_ == State::Waiting) waited_ += turn.now - waiting_since_;
  decision_ = d;
  if (first_site_ == kNone) first_site_ = d.site;
  attempt_ = number_attempt(d, turn).number;
  told_.reset();
  attempt_asked_ = turn.now;
  observed_ = false;
  first_token_ = {};
  state_ = State::Asking;
  attempt_until_ = std::min(turn.now + budget_.attempt_first_byte, accept_deadline());
  actions_.push_back(action::Ask{attempt_, d, attempt_until_ - turn.now});
  hedge_at_ = linger_until_ = kNever;
  undecided_ = false;
  if (!answered_ && !hedged_ && input_.tier == grid::Tier::Realtime) {
    const auto late = resilience::hedge_after(turn.snapshot.hedging, d.score.ttft_ms());
    if (late) hedge_at_ = turn.now + *late;
  }
  set_alarm(asking_alarm());
}

grid::AttemptRecord& RequestLife::number_attempt(const Decision& d, const Turn& turn) {
  if (records_.size() < budget_.recorded_attempts) records_.emplace_back();
  grid::AttemptRecord& line = records_.back();
  line = {};
  line.number = ++numbered_;
  line.site = turn.snapshot.tables->sites[d.site].spec.name;
  line.resumes = stream_ && heard_tokens_ > 0;  // known now, whatever becomes of it: what was delivered before counts
  return line;
}

void RequestLife::avoid(routing::SiteIndex site, routing::NodeIndex node, Time now) {
  auto it = std::find_if(avoided_.begin(), avoided_.end(),
                         [&](const Avoided& a) { return a.place.site == site && a.place.node == node; });
  if (it == avoided_.end()) it = avoided_.insert(it, Avoided{{site, node}, now, 0});
  const Duration rest = budget_.no_site_retry * (std::int64_t{1} << std::min(it->times, 10U));
  it->until = now + std::min(rest, budget_.avoid_most);
  ++it->times;
}

void RequestLife::attempt_lost(routing::NodeIndex node, const std::string& why, const Turn& turn) {
  record(attempt_)->result = why;
  last_why_ = why;
  avoid(decision_.site, node, turn.now);
  ++failed_;
  if (rival_) return promote_rival(turn);
  if (failed_ >= budget_.attempts) {
    return no_capacity(std::to_string(failed_) + " attempts failed, the last with: " + why + ": try again");
  }
  look(turn, nullptr, false);
}

void RequestLife::lost_unseen(routing::NodeIndex node, const std::string& why, const Turn& turn) {
  asking_since_ = turn.now;
  waited_ = {};
  attempt_lost(node, why, turn);
}

}  // namespace aigrid::dispatch
