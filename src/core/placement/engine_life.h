// EngineLife: one engine on its node, from wanted to stopped, as a pure state machine: events in, actions out. The
// agent carries out the actions and reports what happened as events; every wait, limit and back-off is decided here.
// One worker. The returned actions are valid until the next call.
//
//   Start ─▶ launching ─▶ probing ─▶ ready ─(exit, checks fail)─▶ waiting ─(back-off)─▶ launching
//   Stop from anywhere ─▶ stopping ─(exit)─▶ stopped.   Adopted engines have no process: they go from Start to probing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace aigrid::placement {

// Every number of an engine's life. One source of defaults; tests set their own.
struct EngineLimits {
  Duration probe_every = 200ms;    // from one failed probe to the next
  Duration probe_within = 20s;     // one probe: a real request, perhaps the first that touches the weights
  Duration ready_within = 180s;    // from the launch; then it is killed and started again
  Duration backoff_least = 500ms;  // doubling, jittered over the upper half
  Duration backoff_most = 30s;
  Duration steady_after = 60s;      // ready for so long: the back-off begins afresh
  std::uint32_t failed_checks = 4;  // in a row, while ready: it hangs
  Duration stop_within = 5s;        // from the polite signal to the other
};

namespace engine_event {
struct Start {};
struct Launched {};  // the process runs
struct LaunchFailed {
  std::string why;
};
struct Exited {
  std::string why;
};
struct ProbeOk {};
struct ProbeFailed {
  std::string why;
};
struct CheckOk {};  // its own numbers could be read
struct CheckFailed {
  std::string why;
};
struct Stop {};
struct Alarm {};  // the timer set last has fired
}  // namespace engine_event
using EngineEvent =
    std::variant<engine_event::Start, engine_event::Launched, engine_event::LaunchFailed, engine_event::Exited,
                 engine_event::ProbeOk, engine_event::ProbeFailed, engine_event::CheckOk, engine_event::CheckFailed,
                 engine_event::Stop, engine_event::Alarm>;

namespace engine_action {
struct Launch {};
struct Probe {};      // ends with ProbeOk or ProbeFailed
struct Watch {};      // it is ready: read its numbers until told otherwise
struct Unwatch {};    // drop a probe or watch under way
struct Terminate {};  // ask the process to end
struct Kill {};
struct SetAlarm {
  Time at = kNever;
};  // replaces the earlier one; kNever: none
struct Report {};  // state or reason changed
}  // namespace engine_action
using EngineAction =
    std::variant<engine_action::Launch, engine_action::Probe, engine_action::Watch, engine_action::Unwatch,
                 engine_action::Terminate, engine_action::Kill, engine_action::SetAlarm, engine_action::Report>;

class EngineLife {
 public:
  enum class State : std::uint8_t { New, Launching, Probing, Ready, Waiting, Stopping, Stopped };

  EngineLife(const EngineLimits& limits, bool adopted, std::uint64_t seed)
      : limits_(limits), adopted_(adopted), random_(seed), backoff_(limits.backoff_least) {}

  const std::vector<EngineAction>& on_event(const EngineEvent& event, Time now);

  State state() const { return state_; }
  bool ready() const { return state_ == State::Ready; }
  bool stopped() const { return state_ == State::Stopped; }
  // For people and reports: starting | ready | failed | stopping, and why.
  std::string_view state_name() const;
  const std::string& reason() const { return reason_; }
  std::uint32_t failures() const { return failures_; }  // in a row
  Duration probe_within() const { return limits_.probe_within; }

 private:
  void start(Time now);
  void became_ready(Time now);
  void failed(std::string why, Time now);
  void take(const engine_event::Start& e, Time now);
  void take(const engine_event::Launched& e, Time now);
  void take(const engine_event::LaunchFailed& e, Time now);
  void take(const engine_event::Exited& e, Time now);
  void take(const engine_event::ProbeOk& e, Time now);
  void take(const engine_event::ProbeFailed& e, Time now);
  void take(const engine_event::CheckOk& e, Time now);
  void take(const engine_event::CheckFailed& e, Time now);
  void take(const engine_event::Stop& e, Time now);
  void take(const engine_event::Alarm& e, Time now);

  EngineLimits limits_;
  bool adopted_;
  Random random_;
  State state_ = State::New;
  bool process_ = false;  // one runs
  bool killed_ = false;   // by us, as it failed: its exit is expected
  std::string reason_;
  std::uint32_t failures_ = 0;
  std::uint32_t bad_checks_ = 0;
  Duration backoff_;
  Time ready_since_{};
  Time give_up_ = kNever;  // on becoming ready
  std::vector<EngineAction> actions_;
};

}  // namespace aigrid::placement
