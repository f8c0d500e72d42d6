// RequestLife: one request at its ingress, from admitted to accounted, as a pure state machine: events in, actions out.
// The gateway (and the simulator) executes the actions and reports what happened as events; every timeout, budget and
// choice is made here. Exactly one `Finish` action ends every life.
// Thread contract: one worker. Lifetime: the caller keeps `input`'s pointers alive. Algorithm: field-failures lessons
// 8, 11.
//
//   Start ─▶ asking ─(Head)─▶ relaying ─(End)─▶ done
//              │ ▲ (Refused/Lost before Head: retried elsewhere within budget)
//              ▼ │
//            waiting         ClientGone, deadline, silence ─▶ cancelling ─(End|Lost|timer)─▶ done
//
// A stream whose node is lost after the head goes back to asking and is continued elsewhere from what was delivered, if
// its frames said that it can be (Resume) and within `resumes`; else it ends in an explicit error, never cleanly.
// A stream at a place that drains, or that a change of the law forbids and lets it linger at, moves the same way, but
// its attempt is kept, silent, until the new one is accepted.
// A request of the realtime tier whose first token is late is asked at a second place beside the first, once: the first
// head answers, the other is cancelled.
// A refusal costs nobody work: only attempts that were lost or stayed silent count against `attempts`. A place that
// failed is avoided for a while that doubles; what is left to avoid is forgiven only when nothing else is eligible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "core/dispatch/delivered.h"
#include "core/routing/choose.h"
#include "core/routing/rebind.h"
#include "grid/usage.h"

namespace aigrid::dispatch {

// Every number that bounds a request. One source of defaults; tests set their own.
struct Budget {
  Duration total = 600s;              // whole request
  Duration first_byte = 60s;          // per request, until a node accepts
  Duration attempt_first_byte = 20s;  // per attempt
  Duration silence = 30s;             // between frames of an accepted attempt
  Duration cancel_grace = 2s;         // waiting for `end` after a cancel
  Duration client_stall = 60s;        // frames wait for the client and it takes none: it is gone
  std::uint32_t attempts = 4;
  std::uint32_t recorded_attempts = 32;  // later ones are asked, but leave no line of their own
  Duration no_site_retry = 200ms;        // nothing eligible now: look again
  Duration no_site_wait = 10s;           // so long in all; waiting in a living site's queue is first_byte's
  Duration avoid_most = 3200ms;          // a place that failed is avoided no_site_retry, doubling to this
  std::uint32_t resumes = 3;             // of one stream, after its first byte
  Duration resume_within = 15s;          // from the loss until another node has accepted it
  // A stream at a draining place is held back while it is asked for elsewhere, so only where a slot is free now, and
  // not for longer than this; when that came to nothing, it looks again after a while that doubles.
  Duration move_within = 5s;
  Duration move_again = 1s;
  Duration move_most = 30s;
  Duration linger = 60s;      // of a stream, where the law forbids it now and lets what runs go on for a while
  Duration retry_after = 2s;  // what a client is told to wait after no_capacity (SDKs heed up to 20 s)
};

namespace event {
struct Start {};
// The far side answered `refuse`. `redirect`: sites it proposes; the ingress decides again.
struct Refused {
  std::uint32_t attempt = 0;
  enum class Verdict : std::uint8_t { Elsewhere, Never, Redirect } verdict = Verdict::Elsewhere;
  routing::NodeIndex node = routing::kNone;  // the node that refused, if one did
  int status = 503;                          // for Never
  std::string code;                          // error code for the client
  std::string message;
  std::string param;
  std::vector<routing::SiteIndex> redirect;
};
// `resume`: how the stream that begins can be continued elsewhere. `from`: tokens that were delivered before and that
// it was asked to go on from; a node that cannot says Resume::None.
struct Head {
  std::uint32_t attempt = 0;
  routing::NodeIndex node = routing::kNone;
  Resume resume = Resume::None;
  std::uint32_t from = 0;
  std::uint64_t prompt_tokens = 0;  // as the engine counted them; 0: not known yet
};
// Tokens or data arrived. `bytes`: of them for the client, so that a client slow to take them is not taken for a silent
// node. `tokens`: that they complete; `resume`: how the stream can be continued after them.
struct Progress {
  std::uint32_t attempt = 0;
  std::uint64_t bytes = 0;
  std::uint32_t tokens = 0;
  Resume resume = Resume::None;
};
// The client's writer has written so much, of whichever attempt.
struct Delivered {
  std::uint32_t attempt = 0;
  std::uint64_t bytes = 0;
};  // written to the client's socket
struct End {
  std::uint32_t attempt = 0;
  grid::Usage usage;  // of the whole answer: prompt once, and all that was delivered
  std::string finish;
  bool failed = false;
  std::uint32_t from = 0;  // as in Head; a count below says that nothing was made here
};
struct Lost {
  std::uint32_t attempt = 0;
  routing::NodeIndex node = routing::kNone;
  std::string why;
};
struct ClientGone {};
struct Alarm {};       // the timer set last has fired
struct LawChanged {};  // after rebind(): a place that is forbidden now is left, at once or within `linger`
struct Stop {};        // the process ends now: so does the request, with a record
}  // namespace event

using Event = std::variant<event::Start, event::Refused, event::Head, event::Progress, event::Delivered, event::End,
                           event::Lost, event::ClientGone, event::Alarm, event::LawChanged, event::Stop>;

namespace action {
// Open attempt `attempt` at `decision.site` (which may be here). `remaining`: time the far side may still take to
// accept.
// `beside`: the attempt under way is kept; what it sends from now on is held back, in case it has to go on. It waits in
// no queue: `remaining` is 0, and who has no free slot refuses.
// `hedge`: it races the attempt under way, which is kept; it waits in no queue either. Nothing that either sends is for
// the client until Won names one of them.
struct Ask {
  std::uint32_t attempt = 0;
  routing::Decision decision;
  Duration remaining{};
  bool beside = false;
  bool hedge = false;
};
// The attempt asked beside came to nothing: the one under way goes on, with what was held back.
struct Stay {};
// The first accepted since a hedge was asked: what it sent and sends is the answer, what another had sent is void.
struct Won {
  std::uint32_t attempt = 0;
};
struct Cancel {
  std::uint32_t attempt = 0;
};
// How a site has answered, for core/resilience: a fault of its own, or its first token `after` being asked. Refusals
// and what clients do wrong are neither.
struct Observed {
  routing::SiteIndex site = routing::kNone;
  bool fault = false;
  Duration after{};
  float predicted_ms = 0;
};
struct SetAlarm {
  Time at = kNever;
};  // replaces the earlier one; kNever: none
// Send the held response head now: attempt `attempt` was accepted.
struct Answer {
  std::uint32_t attempt = 0;
};
// The answer as an HTTP error (nothing was sent yet), or, when streaming began, as an explicit error event.
// `never_retry`: x-should-retry: false. `retry_in`: the value of Retry-After when `retry_after`.
struct Fail {
  int status = 503;
  std::string code;
  std::string message;
  std::string param;
  bool retry_after = false;
  Duration retry_in{};
  bool never_retry = false;
  bool mid_stream = false;
};
// Append the closing of the stream or body and finish the response. `length`: the stream's node was lost after the last
// token that was asked for, so no place is left to say so: the ingress writes the closing event itself.
struct Complete {
  bool length = false;
};
// Always last, and ends the timer too: write this record. The caller fills identity, tenant and times.
struct Finish {
  grid::Outcome outcome = grid::Outcome::Failed;
  int status = 0;
  std::string code;
  grid::Usage usage;
  std::vector<grid::AttemptRecord> attempts;
};
}  // namespace action

using Action = std::variant<action::Ask, action::Stay, action::Won, action::Cancel, action::Observed, action::SetAlarm,
                            action::Answer, action::Fail, action::Complete, action::Finish>;

class RequestLife {
 public:
  // `stream` false: the client gets one body when the answer is complete, so a node lost before that is still
  // invisible: the request is asked again, and `Answer` comes with `Complete`. The caller drops what the lost attempt
  // had sent.
  RequestLife(const Budget& budget, routing::RouteInput input, std::uint64_t seed, bool stream = true);

  // `snapshot` is this turn's. The returned reference is valid until the next call.
  const std::vector<Action>& on_event(const Event& event, const routing::Snapshot& snapshot, Time now);

  // The bundle changed: `input` is the request under the new tables, its permitted set decided by the new law. Feed
  // LawChanged next.
  void rebind(routing::RouteInput input, const routing::Rebind& to);

  bool done() const { return state_ == State::Done; }
  const routing::Decision& decision() const { return decision_; }  // of the newest attempt
  // For the newest Ask: a queue that reads 0 may hand it on to another site, once.
  std::uint8_t hops() const;
  std::uint32_t resumes() const { return resumes_ + moves_; }  // how often the stream was continued elsewhere
  bool hedged() const { return hedged_; }                      // it was asked twice for the sooner first token
  // Places that failed, for the newest Ask (its excluded nodes).
  const std::vector<routing::Excluded>& excluded() const { return excluded_; }
  // Full explanation of the newest decision; costs a second run of choose_site with the same random state.
  routing::Explanation explain(const routing::Snapshot& snapshot, Time now) const;

  enum class State : std::uint8_t { New, Asking, Waiting, Relaying, Cancelling, Done };
  State state() const { return state_; }

 private:
  struct Avoided {
    routing::Excluded place;
    Time until;
    std::uint32_t times = 0;
  };
  struct Turn {
    const routing::Snapshot& snapshot;
    Time now;
  };
  // The attempt that races the one under way.
  struct Rival {
    std::uint32_t attempt = 0;
    routing::Decision decision;
    Time asked;
    Time until;
    routing::SiteSet asked_in;
    Random before;
  };

  void on(const event::Start&, const Turn&);
  void on(const event::Refused&, const Turn&);
  void on(const event::Head&, const Turn&);
  void on(const event::Progress&, const Turn&);
  void on(const event::Delivered&, const Turn&);
  void on(const event::End&, const Turn&);
  void on(const event::Lost&, const Turn&);
  void on(const event::ClientGone&, const Turn&);
  void on(const event::Alarm&, const Turn&);
  void on(const event::LawChanged&, const Turn&);
  void on(const event::Stop&, const Turn&);

  bool moving(std::uint32_t attempt) const { return mover_ != 0 && attempt == mover_ && state_ == State::Relaying; }
  bool racing(std::uint32_t attempt) const { return rival_ && attempt == rival_->attempt && state_ == State::Asking; }
  bool live(std::uint32_t attempt) const { return attempt == attempt_ && state_ != State::Done; }
  routing::Decision choose(const Turn&, const routing::SiteSet* only, bool forgiving);
  void look(const Turn&, const routing::SiteSet* only, bool forgiving);
  void ask(const routing::Decision&, const Turn&);
  void avoid(routing::SiteIndex site, routing::NodeIndex node, Time now);
  // The attempt under way failed with nothing sent to the client.
  void attempt_lost(routing::NodeIndex node, const std::string& why, const Turn&);
  // The same after the head, of an answer the client has seen nothing of.
  void lost_unseen(routing::NodeIndex node, const std::string& why, const Turn&);
  // As long as was asked for, or as its deployment lets it be: only the end is missing.
  bool used_up(const Turn&) const;
  // The stream goes on elsewhere, or ends here with `code`. `cancel`: its attempt may still be alive.
  void continue_or_break(routing::NodeIndex node, const std::string& why, const std::string& code, bool cancel,
                         const Turn&);
  void note_begun(const Turn&);
  void note_head(const event::Head&);
  void note_end(const event::End&);
  std::uint64_t prompt() const { return prompt_ > 0 ? prompt_ : input_.prompt_tokens; }  // counted, else estimated
  void fault() { actions_.push_back(action::Observed{decision_.site, true, {}, 0}); }
  grid::AttemptRecord& number_attempt(const routing::Decision&, const Turn&);
  void take_over(const event::Head&, const Turn&);
  // If its place drains and another can be had.
  void try_move(const Turn&);
  // Its place is forbidden now, and no other was had for it.
  void cut_by_policy(const Turn&);
  // The hedge: at its time, if a permitted place other than the one that was asked has it.
  void try_hedge(const Turn&);
  void head_of_race(std::uint32_t winner, const Turn&);
  void rival_failed(routing::NodeIndex node, const std::string& why, const Turn&);
  void drop_rival(const std::string& why);
  void promote_rival(const Turn&);
  Time asking_alarm() const;
  void stay(const std::string& why, routing::NodeIndex node, bool cancel, Time now);
  Time relaying_alarm(const Turn&) const;
  action::Fail broken_off(const std::string& code, const std::string& why) const;
  void give_up(grid::Outcome outcome, int status, const std::string& code, Time now);
  void alarm_asking(const Turn&);
  void alarm_relaying(const Turn&);
  void refuse(const routing::Decision&, const Turn&);
  void no_capacity(std::string message);
  void finish(grid::Outcome outcome, int status, std::string code);
  void set_alarm(Time at);
  Time accept_deadline() const;
  Time wait_deadline(Time now) const;  // waiting past a required target helps nobody
  grid::AttemptRecord* record(std::uint32_t attempt);

  Budget budget_;
  routing::RouteInput input_;
  Random random_;
  Random before_;  // the random state of the newest decision, for explain()
  bool stream_;
  State state_ = State::New;
  routing::Decision decision_;
  std::vector<Action> actions_;
  std::vector<Avoided> avoided_;
  std::vector<routing::Excluded> excluded_;  // of the newest decision
  routing::SiteSet asked_in_;                // permitted set of the newest decision
  std::vector<grid::AttemptRecord> records_;
  std::uint32_t attempt_ = 0;   // the one under way
  std::uint32_t numbered_ = 0;  // the newest; the first is 1
  std::uint32_t failed_ = 0;    // attempts lost or silent
  routing::SiteIndex first_site_ = routing::kNone;
  bool answered_ = false;  // the client has been sent a head
  std::string last_why_;
  Time started_{};
  std::uint32_t resumes_ = 0;
  std::uint32_t moves_ = 0;
  std::uint32_t mover_ = 0;  // asked beside, not accepted yet; 0: none
  routing::Decision mover_decision_;
  Time mover_until_ = kNever;
  Time move_after_{};
  std::uint32_t moves_failed_ = 0;   // in a row
  Time linger_until_ = kNever;       // the law forbids its place, from then on
  Resume resume_ = Resume::None;     // as the newest frames said
  std::uint64_t heard_tokens_ = 0;   // of a stream, over all attempts
  std::uint64_t prompt_ = 0;         // as some engine counted it
  std::optional<grid::Usage> told_;  // by the newest attempt's End: of the whole answer
  std::optional<Rival> rival_;       // only while asking
  bool hedged_ = false;
  bool undecided_ = false;  // asked twice, and none was accepted since
  Time hedge_at_ = kNever;
  Time attempt_asked_{};
  bool observed_ = false;  // how soon the attempt under way began was told
  Time first_token_{};     // of it, of a whole answer
  Time asking_since_{};
  Time waiting_since_{};
  Duration waited_{};  // for an eligible site, before
  Time attempt_until_ = kNever;
  Time heard_{};      // last frame of the accepted attempt
  Time delivered_{};  // last bytes the client took
  std::uint64_t to_client_ = 0;
  std::uint64_t taken_ = 0;
  // Cancelling: what Finish will say, and the client then, so that its last byte never leaves before the record.
  std::optional<action::Fail> pending_fail_;
  grid::Outcome pending_ = grid::Outcome::ClientGone;
  int pending_status_ = 0;
  std::string pending_code_;
  Time grace_until_ = kNever;
};

}  // namespace aigrid::dispatch
