#include "core/dispatch/request_life.h"

#include <algorithm>
#include <utility>

namespace aigrid::dispatch {

using routing::kNone;

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
  if (std::exchange(undecided_, false)) actions_.push_back(action::Won{attempt_});
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
  if (e.tokens > 0) note_begun(turn);
  if (e.tokens > 0) try_move(turn);
}

// Of a whole answer the first tokens may be all that there are, from an engine that says nothing before it is done: how
// soon it began is known when more come.
void RequestLife::note_begun(const Turn& turn) {
  if (observed_) return;
  const bool first = first_token_ == Time{};
  if (first) first_token_ = turn.now;
  if (first && !stream_) return;
  observed_ = true;
  actions_.push_back(action::Observed{decision_.site, false, first_token_ - attempt_asked_, decision_.score.ttft_ms()});
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
  if (permitted) {
    linger_until_ = kNever;
    return try_move(turn);
  }
  if (answered_ && state_ == State::Relaying) {
    const bool lingers = decision_.site != kNone && input_.lingering.contains(decision_.site);
    if (!lingers) return cut_by_policy(turn);
    linger_until_ = std::min(linger_until_, turn.now + budget_.linger);
    try_move(turn);
    return set_alarm(relaying_alarm(turn));
  }
  record(attempt_)->result = "policy_cut";
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
  if (turn.now >= linger_until_) return cut_by_policy(turn);
  if (mover_ != 0 && turn.now >= mover_until_) stay("no answer in time", kNone, true, turn.now);
  set_alarm(relaying_alarm(turn));
}

Time RequestLife::relaying_alarm(const Turn& turn) const {
  const bool client_holds = to_client_ > taken_;
  const Time next =
      client_holds ? std::min(turn.now + budget_.silence, delivered_ + budget_.client_stall) : heard_ + budget_.silence;
  const Time most = std::min({next, started_ + budget_.total, linger_until_});
  return mover_ != 0 ? std::min(most, mover_until_) : most;
}

void RequestLife::set_alarm(Time at) { actions_.push_back(action::SetAlarm{at}); }

grid::AttemptRecord* RequestLife::record(std::uint32_t attempt) {
  const auto it = std::find_if(records_.rbegin(), records_.rend(),
                               [&](const grid::AttemptRecord& r) { return r.number == attempt; });
  return it == records_.rend() ? nullptr : &*it;
}

}  // namespace aigrid::dispatch
