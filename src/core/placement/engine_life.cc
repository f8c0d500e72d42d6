#include "core/placement/engine_life.h"

#include <algorithm>
#include <utility>

namespace aigrid::placement {

namespace {

std::string seconds(Duration d) {
  const auto tenths = d / 100ms;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

const std::vector<EngineAction>& EngineLife::on_event(const EngineEvent& event, Time now) {
  actions_.clear();
  std::visit([&](const auto& e) { take(e, now); }, event);
  return actions_;
}

std::string_view EngineLife::state_name() const {
  switch (state_) {
    case State::New:
    case State::Launching:
    case State::Probing: return failures_ > 0 ? "failed" : "starting";
    case State::Ready: return "ready";
    case State::Waiting: return "failed";
    case State::Stopping:
    case State::Stopped: return "stopping";
  }
  return "failed";
}

void EngineLife::start(Time now) {
  killed_ = false;
  bad_checks_ = 0;
  give_up_ = adopted_ ? kNever : now + limits_.ready_within;
  if (adopted_) {
    state_ = State::Probing;
    actions_.emplace_back(engine_action::SetAlarm{kNever});
    actions_.emplace_back(engine_action::Probe{});
  } else {
    state_ = State::Launching;
    actions_.emplace_back(engine_action::SetAlarm{kNever});
    actions_.emplace_back(engine_action::Launch{});
  }
  actions_.emplace_back(engine_action::Report{});
}

void EngineLife::became_ready(Time now) {
  state_ = State::Ready;
  ready_since_ = now;
  bad_checks_ = 0;
  failures_ = 0;
  reason_.clear();
  actions_.emplace_back(engine_action::SetAlarm{now + limits_.steady_after});
  actions_.emplace_back(engine_action::Watch{});
  actions_.emplace_back(engine_action::Report{});
}

// Whatever it was doing is over; it is tried again later.
void EngineLife::failed(std::string why, Time now) {
  state_ = State::Waiting;
  ++failures_;
  const Duration half = backoff_ / 2;
  const Duration wait =
      half + Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(half.count()) + 1)));
  backoff_ = std::min(backoff_ * 2, limits_.backoff_most);
  reason_ = std::move(why) + "; tried again in " + seconds(wait);
  actions_.emplace_back(engine_action::Unwatch{});
  if (process_) {
    killed_ = true;
    actions_.emplace_back(engine_action::Kill{});
  }
  actions_.emplace_back(engine_action::SetAlarm{now + wait});
  actions_.emplace_back(engine_action::Report{});
}

void EngineLife::take(const engine_event::Start& /*e*/, Time now) {
  if (state_ == State::New || state_ == State::Stopped) start(now);
}

void EngineLife::take(const engine_event::Launched& /*e*/, Time now) {
  process_ = true;
  if (state_ == State::Stopping) {
    actions_.emplace_back(engine_action::Terminate{});
    actions_.emplace_back(engine_action::SetAlarm{now + limits_.stop_within});
    return;
  }
  if (state_ != State::Launching) return;
  state_ = State::Probing;
  actions_.emplace_back(engine_action::Probe{});
}

void EngineLife::take(const engine_event::LaunchFailed& e, Time now) {
  if (state_ == State::Stopping) {
    state_ = State::Stopped;
    actions_.emplace_back(engine_action::SetAlarm{kNever});
    actions_.emplace_back(engine_action::Report{});
  } else if (state_ == State::Launching) {
    failed(e.why, now);
  }
}

void EngineLife::take(const engine_event::Exited& e, Time now) {
  process_ = false;
  if (state_ == State::Stopping) {
    state_ = State::Stopped;
    actions_.emplace_back(engine_action::SetAlarm{kNever});
    actions_.emplace_back(engine_action::Report{});
  } else if (std::exchange(killed_, false)) {
    // Our own doing; the alarm of the back-off is set.
  } else if (state_ == State::Probing || state_ == State::Ready) {
    failed(e.why, now);
  }
}

void EngineLife::take(const engine_event::ProbeOk& /*e*/, Time now) {
  if (state_ == State::Probing) became_ready(now);
}

void EngineLife::take(const engine_event::ProbeFailed& e, Time now) {
  if (state_ != State::Probing) return;
  if (now >= give_up_) {
    failed("not ready within " + seconds(limits_.ready_within) + ": " + e.why, now);
    return;
  }
  const bool news = reason_ != e.why;
  reason_ = e.why;
  if (adopted_) failures_ = std::max<std::uint32_t>(failures_, 1);
  actions_.emplace_back(engine_action::SetAlarm{now + limits_.probe_every});
  if (news) actions_.emplace_back(engine_action::Report{});
}

void EngineLife::take(const engine_event::CheckOk& /*e*/, Time /*now*/) { bad_checks_ = 0; }

void EngineLife::take(const engine_event::CheckFailed& e, Time now) {
  if (state_ != State::Ready) return;
  if (++bad_checks_ < limits_.failed_checks) return;
  failed("it does not answer any more: " + e.why, now);
}

void EngineLife::take(const engine_event::Stop& /*e*/, Time now) {
  if (state_ == State::Stopping || state_ == State::Stopped) return;
  const bool launching = state_ == State::Launching;
  state_ = State::Stopping;
  reason_.clear();
  actions_.emplace_back(engine_action::Unwatch{});
  if (process_) {
    actions_.emplace_back(engine_action::Terminate{});
    actions_.emplace_back(engine_action::SetAlarm{now + limits_.stop_within});
  } else if (!launching) {
    state_ = State::Stopped;
    actions_.emplace_back(engine_action::SetAlarm{kNever});
  }
  actions_.emplace_back(engine_action::Report{});
}

void EngineLife::take(const engine_event::Alarm& /*e*/, Time now) {
  if (state_ == State::Probing) {
    actions_.emplace_back(engine_action::Probe{});
  } else if (state_ == State::Ready) {
    if (now - ready_since_ >= limits_.steady_after) backoff_ = limits_.backoff_least;
  } else if (state_ == State::Waiting) {
    // The one before must be gone: two would fight over memory and models.
    if (process_) {
      actions_.emplace_back(engine_action::Kill{});
      actions_.emplace_back(engine_action::SetAlarm{now + limits_.probe_every});
    } else {
      start(now);
    }
  } else if (state_ == State::Stopping) {
    actions_.emplace_back(engine_action::Kill{});
  }
}

}  // namespace aigrid::placement
