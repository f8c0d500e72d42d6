// RequestLife: one request at its ingress, from admitted to accounted, as a pure state machine: events in, actions out.
// The gateway (and the simulator) executes the actions and reports what happened as events; every timeout, budget and
// choice is made here. Exactly one `Finish` action ends every life.
// Thread contract: one worker. Lifetime: the caller keeps `input`'s pointers alive. Algorithm: field-failures lessons 8, 11.
//
//   Start ─▶ asking ─(Head)─▶ relaying ─(End)─▶ done
//              │ ▲ (Refused/Lost before Head: retried elsewhere within budget)
//              ▼ │
//            retrying        ClientGone, deadline ─▶ cancelling ─(End|timer)─▶ done
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "core/routing/choose.h"
#include "grid/usage.h"

namespace aigrid::dispatch {

// Every number that bounds a request. One source of defaults; tests set their own.
struct Budget {
  Duration total = 600s;             // whole request
  Duration first_byte = 60s;         // per request, until a node accepts
  Duration attempt_first_byte = 20s; // per attempt
  Duration silence = 30s;            // between frames of an accepted attempt
  Duration cancel_grace = 2s;        // waiting for `end` after a cancel
  std::uint32_t attempts = 4;
  Duration no_site_retry = 200ms;    // nothing eligible now: look again until first_byte is spent
};

namespace event {
struct Start {};
// The far side answered `refuse`. `redirect`: sites it proposes; the ingress decides again.
struct Refused {
  std::uint32_t attempt = 0;
  enum class Verdict : std::uint8_t { Elsewhere, Never, Redirect } verdict = Verdict::Elsewhere;
  routing::NodeIndex node = routing::kNone;  // the node that refused, if one did
  int status = 503;          // for Never
  std::string code;          // error code for the client
  std::string message;
  std::vector<routing::SiteIndex> redirect;
};
struct Head { std::uint32_t attempt = 0; routing::NodeIndex node = routing::kNone; };
struct Progress { std::uint32_t attempt = 0; };  // tokens or data arrived
struct Delivered { std::uint32_t attempt = 0; std::uint64_t bytes = 0; };  // written to the client's socket
struct End { std::uint32_t attempt = 0; grid::Usage usage; std::string finish; bool failed = false; };
struct Lost { std::uint32_t attempt = 0; routing::NodeIndex node = routing::kNone; std::string why; };
struct ClientGone {};
struct Alarm {};  // the timer set last has fired
}  // namespace event

using Event = std::variant<event::Start, event::Refused, event::Head, event::Progress, event::Delivered, event::End,
                           event::Lost, event::ClientGone, event::Alarm>;

namespace action {
// Open attempt `attempt` at `decision.site` (which may be here). `remaining`: time the far side may still take to accept.
struct Ask { std::uint32_t attempt = 0; routing::Decision decision; Duration remaining{}; };
struct Cancel { std::uint32_t attempt = 0; };
struct SetAlarm { Time at = kNever; };  // replaces the earlier one; kNever: none
// Send the held response head now: attempt `attempt` was accepted.
struct Answer { std::uint32_t attempt = 0; };
// The answer as an HTTP error (nothing was sent yet), or, when streaming began, as an explicit error event.
struct Fail { int status = 503; std::string code; std::string message; bool retry_after = false; bool mid_stream = false; };
// Append the closing of the stream or body and finish the response.
struct Complete {};
// Always last: write this record. The caller fills identity, tenant and times.
struct Finish { grid::Outcome outcome = grid::Outcome::Failed; int status = 0; std::string code; grid::Usage usage;
                std::vector<grid::AttemptRecord> attempts; };
}  // namespace action

using Action = std::variant<action::Ask, action::Cancel, action::SetAlarm, action::Answer, action::Fail, action::Complete,
                            action::Finish>;

class RequestLife {
 public:
  RequestLife(const Budget& budget, routing::RouteInput input, std::uint64_t seed);

  // `snapshot` is this turn's. The returned reference is valid until the next call.
  const std::vector<Action>& on_event(const Event& event, const routing::Snapshot& snapshot, Time now);

  bool done() const { return state_ == State::Done; }
  const routing::Decision& decision() const { return decision_; }  // of the newest attempt
  // Full explanation of the newest decision; costs a second run of choose_site with the same random state.
  routing::Explanation explain(const routing::Snapshot& snapshot, Time now) const;

  enum class State : std::uint8_t { New, Asking, Waiting, Relaying, Cancelling, Done };
  State state() const { return state_; }

 private:
  State state_ = State::New;
  routing::Decision decision_;
  // The implementer adds what else is needed.
};

}  // namespace aigrid::dispatch
