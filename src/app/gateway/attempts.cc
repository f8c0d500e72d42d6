#include "app/gateway/attempts.h"

#include <utility>

#include "app/gateway/local_attempt.h"
#include "app/gateway/modes.h"
#include "app/gateway/peer_attempt.h"

namespace aigrid::gateway {

namespace event = dispatch::event;

Attempts::Attempts(Services& services, const Admitted& admitted, const Mandate& mandate, Bill& bill,
                   ClientAnswer& answer, Events& events)
    : services_(services),
      admitted_(admitted),
      mandate_(mandate),
      bill_(bill),
      answer_(answer),
      events_(events),
      tasks_(services.env.executor()) {}

// ---- what RequestLife wants done

void Attempts::make_way_for(const dispatch::action::Ask& ask) {
  if (ask.hedge) {
    racing_ = true;
  } else if (ask.beside) {
    frozen_ = current_;
  } else {
    frozen_ = 0;
    racing_ = false;
    aside_.clear();
    // What an attempt before this one had sent is void; one that was cancelled still says what it did.
    std::erase_if(running_, [](const auto& entry) { return !entry.second.cancelled; });
    answer_.begin_anew();
  }
}

void Attempts::start(inner::Ask frame) {
  const std::uint32_t number = frame.attempt;
  Running next;
  next.site = frame.site;
  next.from = frame.resume_count;
  io::Env& env = services_.env;
  AttemptSink& self = *this;
  if (frame.site == services_.board.site()) {
    next.attempt = std::make_shared<LocalAttempt>(env, services_.board, services_.slots, services_.agents,
                                                  std::move(frame), admitted_.body, self);
  } else {
    next.attempt =
        std::make_shared<PeerAttempt>(env, services_.board, services_.peers, std::move(frame), admitted_.body, self);
  }
  const auto attempt = next.attempt;
  running_[number] = std::move(next);  // before it runs: it may be refused at once
  tasks_.spawn(run(attempt));
}

io::Task<void> Attempts::run(std::shared_ptr<Attempt> attempt) { co_await attempt->run(); }

void Attempts::stay() {
  if (frozen_ == 0) {  // the other was accepted in this very turn: from what the client has, a third goes on
    events_.push({event::Lost{moved_from_, routing::kNone, "given up while it moved"}});
    return;
  }
  const std::uint32_t attempt = std::exchange(frozen_, 0);
  aside_.release([&](const inner::Frame& frame) { on_frame(attempt, frame); });
}

void Attempts::settle_race(std::uint32_t winner) {
  racing_ = false;
  const auto it = running_.find(winner);
  if (it == running_.end() || it->second.accepted) return;
  answer_.void_all();  // of another, that had begun before there was a race
  it->second.early.release([&](const inner::Frame& frame) { on_frame(winner, frame); });
}

void Attempts::give_up(std::uint32_t attempt) {
  const auto it = running_.find(attempt);
  if (it == running_.end()) return;
  Running& given_up = it->second;
  given_up.cancelled = true;
  given_up.attempt->cancel();
  given_up.early.release([&](const inner::Frame& frame) { take_after_cancel(attempt, given_up, frame); });
}

void Attempts::consumed(std::uint32_t attempt, std::size_t bytes) {
  if (const auto it = running_.find(attempt); it != running_.end()) it->second.attempt->consumed(bytes);
}

void Attempts::end() {
  tasks_.cancel();
  running_.clear();
}

// ---- what attempts say

void Attempts::on_frame(std::uint32_t attempt, const inner::Frame& frame) {
  if (attempt == frozen_) return aside_.keep(frame);
  const auto it = running_.find(attempt);
  if (it == running_.end()) return;  // given up: what it still says is void
  Running& from = it->second;
  if (from.cancelled) return take_after_cancel(attempt, from, frame);
  if (racing_ && !from.accepted && hold_early(attempt, from, frame)) return;
  // One that was moved away from only counts what it did.
  if (attempt < current_ && !std::holds_alternative<inner::End>(frame)) return;
  take(attempt, from, frame);
}

void Attempts::on_lost(std::uint32_t attempt, const std::string& node, const std::string& why) {
  inner::End end;
  end.finish = "error";
  end.error = why;
  if (attempt == frozen_) return aside_.keep(end);
  if (attempt == current_ && answer_.lacks_its_count()) return take_end(attempt, end);
  events_.push({event::Lost{attempt, routing::kNone, why}, node});
}

// The head of an attempt that races is told, and all that it sends waits for the decision. False: it came to nothing.
bool Attempts::hold_early(std::uint32_t attempt, Running& from, const inner::Frame& frame) {
  if (std::holds_alternative<inner::Refuse>(frame)) return false;
  if (from.early.empty()) {
    const auto* head = std::get_if<inner::Head>(&frame);
    if (head == nullptr) return !std::holds_alternative<inner::End>(frame);
    if (!head_fits(from, *head)) return false;
    events_.push({event::Head{attempt, routing::kNone, mode_of(head->resume), from.from}, head->node});
  }
  from.early.keep(frame);
  return true;
}

void Attempts::take(std::uint32_t attempt, Running& from, const inner::Frame& frame) {
  if (const auto* head = std::get_if<inner::Head>(&frame)) {
    take_head(attempt, from, *head);
  } else if (const auto* refuse = std::get_if<inner::Refuse>(&frame)) {
    take_refusal(attempt, *refuse);
  } else if (const auto* end = std::get_if<inner::End>(&frame)) {
    take_end(attempt, *end);
  } else if (!from.accepted) {
    return;  // it began with no head, or with one that cannot be
  } else if (const auto* data = std::get_if<inner::Data>(&frame)) {
    answer_.data(data->bytes);
  } else if (const auto* tail = std::get_if<inner::Tail>(&frame)) {
    answer_.tail(tail->bytes);
  } else if (const auto* tokens = std::get_if<inner::Tokens>(&frame)) {
    bill_.heard(attempt, tokens->count);
    answer_.tokens(*tokens);
  }
}

// Nothing of it is for the client any more; what was made counts, and its end says what that was.
void Attempts::take_after_cancel(std::uint32_t attempt, Running& from, const inner::Frame& frame) {
  if (const auto* tokens = std::get_if<inner::Tokens>(&frame)) {
    if (from.accepted) bill_.heard(attempt, tokens->count);
  } else if (const auto* data = std::get_if<inner::Data>(&frame)) {
    from.attempt->consumed(data->bytes.size());
  } else if (const auto* tail = std::get_if<inner::Tail>(&frame)) {
    from.attempt->consumed(tail->bytes.size());
  } else if (const auto* end = std::get_if<inner::End>(&frame)) {
    take_end(attempt, *end);
  }
}

// Where it runs is told to the client and written into the record: only what was asked and what the bundle knows.
bool Attempts::head_fits(const Running& from, const inner::Head& head) const {
  const auto& tables = mandate_.tables();
  const auto node = mandate_.node(head.node);
  const bool elsewhere = node != routing::kNone && tables.sites[tables.nodes[node].site].spec.name != from.site;
  return head.site == from.site && !elsewhere;
}

void Attempts::take_head(std::uint32_t attempt, Running& from, const inner::Head& head) {
  if (!head_fits(from, head)) {
    events_.push({event::Lost{attempt, routing::kNone, "it answered from another place than was asked"}});
    return;
  }
  const auto mode = mode_of(head.resume);
  from.accepted = from.from == 0 || mode != dispatch::Resume::None;
  if (from.accepted) {
    current_ = attempt;
    moved_from_ = std::exchange(frozen_, 0);
    aside_.clear();
    answer_.begins(attempt, from.site, mandate_.node(head.node) == routing::kNone ? std::string() : head.node, mode);
    if (from.from > 0) note_resumed(attempt, from);
  }
  events_.push({event::Head{attempt, routing::kNone, mode, from.from, head.prompt_tokens}, head.node});
}

void Attempts::note_resumed(std::uint32_t attempt, const Running& from) const {
  ++services_.meters.streams_resumed;
  const bool by_tokens = answer_.given().mode() == dispatch::Resume::Tokens;
  services_.env.log().note("stream_resumed", {{"request_id", admitted_.request_id},
                                              {"attempt", attempt},
                                              {"site", answer_.site()},
                                              {"node", answer_.node()},
                                              {"from_tokens", from.from},
                                              {"by", by_tokens ? "tokens" : "text"}});
}

void Attempts::take_refusal(std::uint32_t attempt, const inner::Refuse& refuse) {
  event::Refused refused;
  refused.attempt = attempt;
  refused.verdict = static_cast<event::Refused::Verdict>(refuse.verdict);
  refused.status = static_cast<int>(refuse.status);
  refused.code = refuse.code;
  refused.message = refuse.message;
  refused.param = refuse.param;
  events_.push({std::move(refused), refuse.node, refuse.sites});
}

void Attempts::take_end(std::uint32_t attempt, const inner::End& end) {
  event::End ended;
  ended.attempt = attempt;
  ended.usage = end.usage;
  ended.finish = end.finish;
  ended.failed = end.finish == "error";
  if (const auto it = running_.find(attempt); it != running_.end()) ended.from = it->second.from;
  if (ended.failed && attempt == current_ && answer_.lacks_its_count()) {
    ended.usage = {admitted_.admission.input.prompt_tokens, answer_.given().count(), 0};
    ended.finish = "stop";
    ended.failed = false;
  }
  events_.push({std::move(ended)});
}

}  // namespace aigrid::gateway
