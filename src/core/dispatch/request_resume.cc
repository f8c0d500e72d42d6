// How a stream goes on elsewhere: after its node was lost, and away from a place that drains or is forbidden now.
#include <algorithm>
#include <utility>

#include "core/dispatch/request_life.h"

namespace aigrid::dispatch {

using routing::Decision;
using routing::kNone;
using routing::NodeIndex;

bool RequestLife::used_up(const Turn& turn) const {
  std::uint64_t most = input_.max_output_tokens;
  const auto& deployments = turn.snapshot.tables->deployments;
  if (most == 0 && decision_.deployment < deployments.size()) {
    most = deployments[decision_.deployment].spec.max_output_tokens;
  }
  return stream_ && most > 0 && heard_tokens_ >= most;
}

void RequestLife::try_move(const Turn& turn) {
  if (mover_ != 0 || !answered_ || state_ != State::Relaying || resume_ == Resume::None || heard_tokens_ == 0) return;
  if (decision_.site == kNone || turn.now < move_after_ || records_.size() >= budget_.recorded_attempts) return;
  if (used_up(turn)) return;
  const bool leaves = linger_until_ != kNever || turn.snapshot.tables->draining(decision_.site, decision_.node);
  if (!leaves) return;
  const Duration rest = budget_.move_again * (std::int64_t{1} << std::min(moves_failed_, 10U));
  move_after_ = turn.now + std::min(rest, budget_.move_most);
  const Decision d = choose(turn, nullptr, true);
  if (!d.ok()) return;  // it stays where it is: until a place is free, or until it ends
  mover_ = number_attempt(d, turn).number;
  mover_decision_ = d;
  mover_until_ = turn.now + budget_.move_within;
  actions_.push_back(action::Ask{mover_, d, Duration{}, true});
  set_alarm(relaying_alarm(turn));
}

void RequestLife::take_over(const event::Head& e, const Turn& turn) {
  if (e.resume == Resume::None) return stay("it cannot continue an answer", e.node, true, turn.now);
  record(attempt_)->result = "drained";
  linger_until_ = kNever;
  actions_.push_back(action::Cancel{attempt_});
  attempt_ = std::exchange(mover_, 0);
  observed_ = true;  // asked for while another was still sending: says nothing of how fast it is
  decision_ = mover_decision_;
  decision_.node = e.node;
  auto* line = record(attempt_);
  const auto& nodes = turn.snapshot.tables->nodes;
  if (e.node < nodes.size()) line->node = nodes[e.node].spec.name;
  told_.reset();
  ++moves_;
  moves_failed_ = 0;
  resume_ = e.resume;
  heard_ = delivered_ = turn.now;
  set_alarm(relaying_alarm(turn));
}

void RequestLife::stay(const std::string& why, NodeIndex node, bool cancel, Time now) {
  if (auto* line = record(mover_)) line->result = why;
  if (cancel) actions_.push_back(action::Cancel{mover_});
  mover_ = 0;
  ++moves_failed_;
  avoid(mover_decision_.site, node, now);
  heard_ = now;  // what was held back of the attempt under way comes now
  actions_.push_back(action::Stay{});
}

void RequestLife::continue_or_break(NodeIndex node, const std::string& why, const std::string& code, bool cancel,
                                    const Turn& turn) {
  record(attempt_)->result = why;
  if (mover_ != 0) actions_.push_back(action::Cancel{std::exchange(mover_, 0)});  // lost in the turn that it was asked
  if (resume_ != Resume::None && used_up(turn)) {
    if (cancel) actions_.push_back(action::Cancel{attempt_});
    told_ = grid::Usage{prompt(), heard_tokens_, 0};
    actions_.push_back(action::Complete{true});
    return finish(grid::Outcome::Finished, 200, "");
  }
  if (resume_ != Resume::None && resumes_ < budget_.resumes) {
    if (cancel) actions_.push_back(action::Cancel{attempt_});
    last_why_ = why;
    asking_since_ = turn.now;
    waited_ = {};
    avoid(decision_.site, node, turn.now);
    return look(turn, nullptr, false);
  }
  auto fail = broken_off(code, code == "engine_error" ? "the engine failed in the middle of the answer: send it again"
                                                      : "the node was lost in the middle of the answer: send it again");
  if (cancel) {
    pending_fail_ = std::move(fail);
    return give_up(grid::Outcome::Failed, 200, code, turn.now);
  }
  actions_.push_back(std::move(fail));
  finish(grid::Outcome::Failed, 200, code);
}

}  // namespace aigrid::dispatch
