// How a request ends: what its client is told, and what its record says.
#include <utility>

#include "core/dispatch/refusal.h"
#include "core/dispatch/request_life.h"

namespace aigrid::dispatch {

action::Fail RequestLife::broken_off(const std::string& code, const std::string& why) const {
  action::Fail fail;
  fail.status = code == "deadline_exceeded" ? 504 : 502;
  fail.code = code;
  fail.message = why;
  fail.mid_stream = answered_;
  return fail;
}

void RequestLife::cut_by_policy(const Turn& turn) {
  record(attempt_)->result = "policy_cut";
  pending_fail_ = broken_off("policy_cut",
                             "a change of policy forbids the place where this answer was made: send the request again");
  give_up(grid::Outcome::Failed, 200, "policy_cut", turn.now);
}

void RequestLife::give_up(grid::Outcome outcome, int status, const std::string& code, Time now) {
  if (mover_ != 0) stay("given up", routing::kNone, true, now);
  drop_rival("given up");
  actions_.push_back(action::Cancel{attempt_});
  state_ = State::Cancelling;
  pending_ = outcome;
  pending_status_ = status;
  pending_code_ = code;
  grace_until_ = now + budget_.cancel_grace;
  set_alarm(grace_until_);
}

void RequestLife::refuse(const routing::Decision& d, const Turn& turn) {
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

}  // namespace aigrid::dispatch
