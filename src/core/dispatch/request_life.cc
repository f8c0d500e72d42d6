#include "core/dispatch/request_life.h"

#include <algorithm>
#include <utility>

#include "core/dispatch/refusal.h"
#include "core/resilience/hedge.h"

namespace aigrid::dispatch {

using routing::Decision;
using routing::Filter;
using routing::kNone;
using routing::NodeIndex;

RequestLife::RequestLife(const Budget& budget, routing::RouteInput input, std::uint64_t seed, bool stream)
    : budget_(budget), input_(std::move(input)), random_(seed), before_(random_), stream_(stream) {}

const std::vector<Action>& RequestLife::on_event(const Event& event, const routing::Snapshot& snapshot, Time now) {
  actions_.clear();
  const Turn turn{snapshot, now};
  std::visit([&](const auto& e) { on(e, turn); }, event);
  return actions_;
}

void RequestLife::rebind(routing::RouteInput input, const routing::Rebind& to) {
  const auto hops = input_.hops;
  input_ = std::move(input);
  input_.hops = hops;
  decision_ = to.decision(decision_);
  mover_decision_ = to.decision(mover_decision_);
  if (rival_) {
    rival_->decision = to.decision(rival_->decision);
    rival_->asked_in = to.sites(rival_->asked_in);
  }
  first_site_ = to.site(first_site_);
  asked_in_ = to.sites(asked_in_);
  to.excluded(excluded_);
  std::erase_if(avoided_, [&](Avoided& a) {
    std::vector<routing::Excluded> one{a.place};
    to.excluded(one);
    if (!one.empty()) a.place = one[0];
    return one.empty();
  });
}

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

// ---- choosing and asking

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
  first_token_ = false;
  state_ = State::Asking;
  attempt_until_ = std::min(turn.now + budget_.attempt_first_byte, accept_deadline());
  actions_.push_back(action::Ask{attempt_, d, attempt_until_ - turn.now});
  hedge_at_ = kNever;
  if (stream_ && !answered_ && !hedged_ && input_.tier == grid::Tier::Realtime) {
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

// ---- events

void RequestLife::on(const event::Start&, const Turn& turn) {
  if (state_ != State::New) return;
  started_ = asking_since_ = turn.now;
  look(turn, nullptr, false);
}

void RequestLife::on(const event::Refused& e, const Turn& turn) {
  using Verdict = event::Refused::Verdict;
  if (moving(e.attempt)) return stay(e.code.empty() ? std::string("refused") : e.code, e.node, false, turn.now);
  if (racing(e.attempt)) return rival_failed(e.node, e.code.empty() ? std::string("refused") : e.code, turn);
  if (!live(e.attempt)) return;
  const std::string why = e.code.empty() ? std::string("refused") : e.code;
  if (state_ == State::Cancelling) return finish(pending_, pending_status_, pending_code_);
  if (state_ == State::Relaying) return on(event::Lost{e.attempt, e.node, "refused after its head"}, turn);
  if (state_ != State::Asking) return;
  record(attempt_)->result = why;
  if (e.verdict == Verdict::Never && answered_) {
    return no_capacity("the node that was to continue it refused: " + e.message);
  }
  if (e.verdict == Verdict::Never) {
    drop_rival(why);
    action::Fail fail;
    // What another process says of the client's answer: only what an answer can be.
    fail.status = e.status;
    fail.code = e.code;
    if (e.status < 400 || e.status > 599 || e.code.empty()) {
      fail.status = 502;
      fail.code = "bad_refusal";
    }
    fail.message = e.message;
    fail.param = e.param;
    fail.never_retry = e.status == 403;
    finish(grid::Outcome::Refused, fail.status, fail.code);
    actions_.insert(actions_.end() - 1, std::move(fail));
    return;
  }
  last_why_ = e.message.empty() ? why : e.message;
  if (rival_) {
    avoid(decision_.site, e.node, turn.now);
    return promote_rival(turn);
  }
  if (e.verdict == Verdict::Redirect && input_.hops == 0 && !e.redirect.empty()) {
    input_.hops = 1;
    routing::SiteSet only;
    for (const auto s : e.redirect) {
      if (s < turn.snapshot.tables->sites.size()) only.insert(s);
    }
    return look(turn, &only, false);  // none of them: perhaps the same queue again, which then keeps it
  }
  avoid(decision_.site, e.node, turn.now);
  look(turn, nullptr, false);
}

void RequestLife::on(const event::Head& e, const Turn& turn) {
  note_head(e);
  if (moving(e.attempt)) return take_over(e, turn);
  if (rival_ && (racing(e.attempt) || (live(e.attempt) && state_ == State::Asking))) head_of_race(e.attempt, turn);
  if (!live(e.attempt) || (state_ != State::Asking && state_ != State::Cancelling)) return;
  decision_.node = e.node;
  const auto& nodes = turn.snapshot.tables->nodes;
  if (e.node < nodes.size()) record(attempt_)->node = nodes[e.node].spec.name;
  if (state_ == State::Cancelling) return;
  if (e.from > 0 && e.resume == Resume::None) {  // it would begin anew
    actions_.push_back(action::Cancel{attempt_});
    return attempt_lost(e.node, "it cannot continue an answer", turn);
  }
  state_ = State::Relaying;
  heard_ = delivered_ = turn.now;
  if (!answered_) to_client_ = taken_ = 0;
  resume_ = e.resume;
  failed_ = 0;
  record(attempt_)->resumes = e.from > 0;
  if (answered_) {
    ++resumes_;
  } else if (stream_) {
    actions_.push_back(action::Answer{attempt_});
    answered_ = true;
  }
  set_alarm(std::min(heard_ + budget_.silence, started_ + budget_.total));
}

// The alarm is not moved with every frame: when it fires, it looks at what was heard since.
void RequestLife::on(const event::Progress& e, const Turn& turn) {
  if (!live(e.attempt) || state_ != State::Relaying) return;
  heard_ = turn.now;
  if (to_client_ <= taken_) delivered_ = turn.now;
  to_client_ += e.bytes;
  if (e.tokens > 0) record(attempt_)->heard_tokens += e.tokens;
  if (stream_) heard_tokens_ += e.tokens;
  if (e.bytes > 0 || e.tokens > 0) resume_ = e.resume;
  if (e.tokens > 0 && !std::exchange(first_token_, true)) {
    actions_.push_back(action::Observed{decision_.site, false, turn.now - attempt_asked_, decision_.score.ttft_ms()});
  }
  if (e.tokens > 0) try_move(turn);
}

void RequestLife::on(const event::Delivered& e, const Turn& turn) {
  // Of a stream, bytes of an earlier attempt too: it is one answer.
  if (answered_ ? state_ == State::Done : !live(e.attempt) || state_ != State::Relaying) return;
  taken_ += e.bytes;
  heard_ = delivered_ = turn.now;  // the node may have been waiting for this
}

void RequestLife::on(const event::End& e, const Turn& turn) {
  note_end(e);
  if (moving(e.attempt)) return stay("ended without an answer", kNone, false, turn.now);
  if (racing(e.attempt)) return rival_failed(kNone, "ended without an answer", turn);
  if (!live(e.attempt)) return;
  switch (state_) {
    case State::Asking: fault(); return attempt_lost(kNone, "ended without an answer", turn);
    case State::Cancelling:
      record(attempt_)->result = e.finish.empty() ? std::string("cancelled") : e.finish;
      return finish(pending_, pending_status_, pending_code_);
    case State::Relaying: break;
    default: return;
  }
  if (e.failed) {
    fault();
    const std::string why = e.finish.empty() ? std::string("engine error") : "engine error: " + e.finish;
    if (!answered_) return lost_unseen(decision_.node, why, turn);
    return continue_or_break(decision_.node, why, "engine_error", false, turn);
  }
  record(attempt_)->result = "ok";
  if (!answered_) actions_.push_back(action::Answer{attempt_});
  answered_ = true;
  actions_.push_back(action::Complete{});
  finish(grid::Outcome::Finished, 200, "");
}

void RequestLife::on(const event::Lost& e, const Turn& turn) {
  const std::string why = e.why.empty() ? std::string("connection lost") : e.why;
  if (moving(e.attempt)) return stay(why, e.node, false, turn.now);
  if (racing(e.attempt)) {
    actions_.push_back(action::Observed{rival_->decision.site, true, {}, 0});
    return rival_failed(e.node, why, turn);
  }
  if (!live(e.attempt)) return;
  switch (state_) {
    case State::Asking: fault(); return attempt_lost(e.node, why, turn);
    case State::Relaying: fault(); break;
    case State::Cancelling: return finish(pending_, pending_status_, pending_code_);
    default: return;
  }
  if (!answered_) return lost_unseen(e.node, why, turn);
  continue_or_break(e.node, why, "node_lost", false, turn);
}

// Known from here on, whatever becomes of that node.
void RequestLife::note_head(const event::Head& e) {
  auto* line = record(e.attempt);
  if (line == nullptr || e.prompt_tokens == 0) return;
  prompt_ = e.prompt_tokens;
  line->usage.prompt_tokens = e.prompt_tokens + e.from;
}

// Of an attempt that goes on, the prompt and what was delivered before are its prefill.
void RequestLife::note_end(const event::End& e) {
  if (e.usage.completion_tokens < e.from) return;  // it had not begun
  if (live(e.attempt)) told_ = e.usage;
  auto* line = record(e.attempt);
  if (line == nullptr) return;
  line->usage = e.usage;
  line->resumes = e.from > 0;
  line->usage.prompt_tokens += e.from;
  line->usage.completion_tokens -= e.from;
}

void RequestLife::on(const event::ClientGone&, const Turn& turn) {
  switch (state_) {
    case State::New:
    case State::Waiting: return finish(grid::Outcome::ClientGone, answered_ ? 200 : 499, "");
    case State::Asking:
    case State::Relaying: return give_up(grid::Outcome::ClientGone, answered_ ? 200 : 499, "", turn.now);
    case State::Cancelling:
    case State::Done: return;
  }
}

void RequestLife::on(const event::Alarm&, const Turn& turn) {
  switch (state_) {
    case State::New:
    case State::Done: return;
    case State::Asking: return alarm_asking(turn);
    case State::Waiting:
      if (turn.now < attempt_until_) return set_alarm(attempt_until_);
      return look(turn, nullptr, true);
    case State::Relaying: return alarm_relaying(turn);
    case State::Cancelling:
      if (turn.now < grace_until_) return set_alarm(grace_until_);
      record(attempt_)->result = "silent after cancel";
      return finish(pending_, pending_status_, pending_code_);
  }
}

void RequestLife::on(const event::LawChanged&, const Turn& turn) {
  const bool permitted = decision_.site != kNone && input_.permitted.contains(decision_.site);
  switch (state_) {
    case State::Waiting: return look(turn, nullptr, true);
    case State::Asking:
    case State::Relaying: break;
    default: return;
  }
  const bool there = mover_decision_.site != kNone && input_.permitted.contains(mover_decision_.site);
  if (mover_ != 0 && !there) stay("policy_cut", kNone, true, turn.now);
  if (rival_ && !input_.permitted.contains(rival_->decision.site)) drop_rival("policy_cut");
  if (permitted) return try_move(turn);
  record(attempt_)->result = "policy_cut";
  if (answered_ && state_ == State::Relaying) {
    pending_fail_ = broken_off("policy_cut",
                               "a change of policy forbids the place where this answer was made: send "
                               "the request again");
    return give_up(grid::Outcome::Failed, 200, "policy_cut", turn.now);
  }
  actions_.push_back(action::Cancel{attempt_});
  if (rival_) return promote_rival(turn);
  asking_since_ = turn.now;
  look(turn, nullptr, false);
}

void RequestLife::on(const event::Stop&, const Turn&) {
  if (state_ == State::Done) return;
  if (state_ == State::Cancelling) return finish(pending_, pending_status_, pending_code_);
  if (mover_ != 0) actions_.push_back(action::Cancel{std::exchange(mover_, 0)});
  drop_rival("stopped");
  const bool asked = state_ == State::Asking || state_ == State::Relaying;
  if (asked) actions_.push_back(action::Cancel{attempt_});
  if (asked) record(attempt_)->result = "stopped";
  pending_fail_ = broken_off("gateway_stopping", "this gateway stops before the answer is complete: send it again");
  pending_fail_->status = 503;
  pending_fail_->retry_after = true;
  pending_fail_->retry_in = budget_.retry_after;
  finish(grid::Outcome::Failed, answered_ ? 200 : 503, "gateway_stopping");
}

void RequestLife::alarm_asking(const Turn& turn) {
  if (turn.now >= hedge_at_) try_hedge(turn);
  const std::string why = "no answer in time";
  if (rival_ && turn.now >= rival_->until && turn.now < attempt_until_) drop_rival(why);
  if (turn.now < attempt_until_) return set_alarm(asking_alarm());
  actions_.push_back(action::Cancel{attempt_});
  if (rival_ && turn.now >= rival_->until) drop_rival(why);
  if (turn.now < accept_deadline()) return attempt_lost(kNone, why, turn);
  record(attempt_)->result = why;
  ++failed_;
  no_capacity("no place accepted the request within " + std::to_string(to_ms(turn.now - started_)) + " ms: try again");
}

void RequestLife::alarm_relaying(const Turn& turn) {
  const Time total = started_ + budget_.total;
  if (turn.now >= total) {
    pending_fail_ =
        broken_off("deadline_exceeded", "the answer took longer than " + std::to_string(to_ms(budget_.total)) +
                                            " ms: ask for less, or for a stream");
    return give_up(grid::Outcome::TimedOut, answered_ ? 200 : 504, "deadline_exceeded", turn.now);
  }
  const bool client_holds = to_client_ > taken_;
  if (client_holds && turn.now >= delivered_ + budget_.client_stall) {
    return give_up(grid::Outcome::ClientGone, answered_ ? 200 : 499, "", turn.now);
  }
  if (!client_holds && turn.now >= heard_ + budget_.silence) {
    fault();
    if (!answered_) {
      actions_.push_back(action::Cancel{attempt_});
      return lost_unseen(decision_.node, "silent", turn);
    }
    return continue_or_break(decision_.node, "silent", "node_lost", true, turn);
  }
  if (mover_ != 0 && turn.now >= mover_until_) stay("no answer in time", kNone, true, turn.now);
  set_alarm(relaying_alarm(turn));
}

Time RequestLife::relaying_alarm(const Turn& turn) const {
  const bool client_holds = to_client_ > taken_;
  const Time next =
      client_holds ? std::min(turn.now + budget_.silence, delivered_ + budget_.client_stall) : heard_ + budget_.silence;
  const Time most = std::min(next, started_ + budget_.total);
  return mover_ != 0 ? std::min(most, mover_until_) : most;
}

// ---- ends

void RequestLife::lost_unseen(routing::NodeIndex node, const std::string& why, const Turn& turn) {
  asking_since_ = turn.now;
  waited_ = {};
  attempt_lost(node, why, turn);
}

action::Fail RequestLife::broken_off(const std::string& code, const std::string& why) const {
  action::Fail fail;
  fail.status = code == "deadline_exceeded" ? 504 : 502;
  fail.code = code;
  fail.message = why;
  fail.mid_stream = answered_;
  return fail;
}

void RequestLife::give_up(grid::Outcome outcome, int status, const std::string& code, Time now) {
  if (mover_ != 0) stay("given up", kNone, true, now);
  drop_rival("given up");
  actions_.push_back(action::Cancel{attempt_});
  state_ = State::Cancelling;
  pending_ = outcome;
  pending_status_ = status;
  pending_code_ = code;
  grace_until_ = now + budget_.cancel_grace;
  set_alarm(grace_until_);
}

void RequestLife::refuse(const Decision& d, const Turn& turn) {
  if (answered_) return no_capacity(refusal(turn.snapshot, input_, d, turn.now).message);
  Refusal r = refusal(turn.snapshot, input_, d, turn.now);
  action::Fail fail;
  fail.status = r.status;
  fail.code = r.code;
  fail.message = std::move(r.message);
  fail.param = std::move(r.param);
  fail.retry_after = r.retry_after;
  if (r.retry_after) fail.retry_in = budget_.retry_after;
  fail.never_retry = r.never_retry;
  actions_.push_back(std::move(fail));
  finish(failed_ > 0 ? grid::Outcome::Failed : grid::Outcome::Refused, r.status, r.code);
}

void RequestLife::no_capacity(std::string message) {
  if (!last_why_.empty() && message.find(last_why_) == std::string::npos) message += " (last: " + last_why_ + ")";
  if (answered_) {
    actions_.push_back(broken_off("node_lost",
                                  "the node was lost in the middle of the answer, and no other could "
                                  "continue it: " +
                                      message));
    return finish(grid::Outcome::Failed, 200, "node_lost");
  }
  action::Fail fail;
  fail.status = 503;
  fail.code = "no_capacity";
  fail.message = std::move(message);
  fail.retry_after = true;
  fail.retry_in = budget_.retry_after;
  actions_.push_back(std::move(fail));
  finish(failed_ > 0 ? grid::Outcome::Failed : grid::Outcome::Refused, 503, "no_capacity");
}

void RequestLife::finish(grid::Outcome outcome, int status, std::string code) {
  state_ = State::Done;
  if (pending_fail_) actions_.push_back(std::move(*pending_fail_));
  pending_fail_.reset();
  action::Finish f;
  f.outcome = outcome;
  f.status = status;
  f.code = std::move(code);
  if (told_) {
    f.usage = *told_;
  } else if (stream_ && heard_tokens_ > 0) {  // no node is left to say what the prompt was
    f.usage = {prompt(), heard_tokens_, 0};
  }
  for (auto& line : records_) {
    // A node that was lost cannot say what it did: what came from it, it made, and the same prompt it read.
    if (!stream_ || line.heard_tokens <= line.usage.completion_tokens) continue;
    if (line.usage.completion_tokens == 0 && line.usage.prompt_tokens == 0)
      line.usage.prompt_tokens = f.usage.prompt_tokens;
    line.usage.completion_tokens = line.heard_tokens;
  }
  f.attempts = std::move(records_);
  records_.clear();
  actions_.push_back(std::move(f));
}

void RequestLife::set_alarm(Time at) { actions_.push_back(action::SetAlarm{at}); }

grid::AttemptRecord* RequestLife::record(std::uint32_t attempt) {
  const auto it = std::find_if(records_.rbegin(), records_.rend(),
                               [&](const grid::AttemptRecord& r) { return r.number == attempt; });
  return it == records_.rend() ? nullptr : &*it;
}

}  // namespace aigrid::dispatch
