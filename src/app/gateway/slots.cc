#include "app/gateway/slots.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include "io/http/lines.h"

namespace aigrid::gateway {

namespace desk_event = dispatch::desk_event;
namespace desk_action = dispatch::desk_action;

namespace {

std::uint32_t whole_ms(Duration d) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(to_ms(d), 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Slots::Slots(io::Env& env, Board& board, Queues& queues, Peers& peers, dispatch::Member self, std::uint32_t workers,
             Duration ask_again)
    : env_(env),
      board_(board),
      queues_(queues),
      peers_(peers),
      self_(self),
      workers_(workers),
      beside_(queues, self.worker),
      desk_(std::move(self), ask_again),
      alarm_(env.timer([this] { feed(desk_event::Alarm{}); })),
      tasks_(env.executor()) {}

dispatch::Ticket Slots::ask(inner::SlotAsk ask, std::function<void(const Answer&)> answer) {
  const dispatch::Ticket ticket = ++last_;
  desk_event::Ask event{ticket, ask.deployment, std::chrono::milliseconds(ask.remaining_ms)};
  asked_.emplace(ticket, Asked{std::move(ask), std::move(answer)});
  feed(event);
  return ticket;
}

void Slots::release(dispatch::Ticket ticket) {
  if (asked_.erase(ticket) != 0) feed(desk_event::Released{ticket});
}

void Slots::siblings_changed() {
  desk_event::Living living;
  for (std::uint32_t worker = 0; worker < board_.workers(); ++worker) living.members.push_back({self_.gateway, worker});
  for (const auto& gateway : peers_.siblings()) {
    for (std::uint32_t worker = 0; worker < gateway.workers; ++worker) living.members.push_back({gateway.name, worker});
  }
  feed(living);
  queues_.refresh_rows();
}

void Slots::sibling_reported(const std::string& gateway, const inner::SiteReport& report) {
  board_.site_reported(report, env_.now(),
                       [&](const std::string& deployment) { return desk_.owner(deployment).gateway == gateway; });
}

void Slots::worker_reported(std::uint32_t worker, const inner::SiteReport& report) {
  board_.site_reported(report, env_.now(),
                       [&](const std::string& deployment) { return worker_of(desk_.owner(deployment)) == worker; });
}

std::optional<std::uint32_t> Slots::worker_of(const dispatch::Member& member) const {
  if (member.gateway != self_.gateway) return std::nullopt;
  return member.worker % workers_;
}

void Slots::feed(const dispatch::DeskEvent& event) {
  for (const auto& action : desk_.on_event(event, env_.now())) {
    if (const auto* asked = std::get_if<desk_action::Claim>(&action)) {
      claim(*asked);
    } else if (const auto* dropped = std::get_if<desk_action::Drop>(&action)) {
      drop(dropped->claim);
    } else if (const auto* grant = std::get_if<desk_action::Grant>(&action)) {
      settle(grant->ticket, {true, grant->node, {}, {}});
    } else if (const auto* refuse = std::get_if<desk_action::Refuse>(&action)) {
      settle(refuse->ticket, {false, {}, refuse->message, refuse->better});
    } else if (const auto* alarm = std::get_if<desk_action::SetAlarm>(&action)) {
      alarm_->arm(alarm->at);
    }
  }
}

void Slots::claim(const desk_action::Claim& claim) {
  const auto found = asked_.find(claim.ticket);
  if (found == asked_.end()) return;  // settled meanwhile, from inside an action before this one
  inner::SlotAsk& ask = found->second.ask;
  ask.worker = claim.owner.worker;
  ask.held = claim.held;
  ask.remaining_ms = whole_ms(claim.remaining);
  if (const auto worker = worker_of(claim.owner)) {
    return *worker == self_.worker ? claim_here(claim.claim, ask) : claim_beside(claim.claim, *worker, ask);
  }
  auto stream = peers_.open_to(claim.owner.gateway, "/inner/slot");
  if (!stream.ok()) return feed(desk_event::Lost{claim.claim});
  elsewhere_[claim.claim] = *stream;
  tasks_.spawn(claim_there(claim.claim, *stream, inner::encode(ask)));
}

void Slots::claim_here(dispatch::ClaimId claim, const inner::SlotAsk& ask) {
  const auto at = here_.emplace(claim, 0).first;
  // The answer may come from inside, before we know the queue's ticket: what it frees, ours frees too.
  const dispatch::Ticket ticket = queues_.ask(ask, [this, claim](const Answer& answer) {
    if (!answer.granted) here_.erase(claim);
    answered(claim, answer);
  });
  if (here_.contains(claim)) at->second = ticket;
}

void Slots::claim_beside(dispatch::ClaimId claim, std::uint32_t worker, const inner::SlotAsk& ask) {
  next_to_us_[claim] = beside_.ask(worker, ask, [this, claim](const Answer& answer) {
    if (!answer.granted) next_to_us_.erase(claim);
    answered(claim, answer);
  });
}

void Slots::answered(dispatch::ClaimId claim, const Answer& answer) {
  if (answer.granted) return feed(desk_event::Granted{claim, answer.node});
  feed(desk_event::Refused{claim, answer.message, answer.better});
}

io::Task<void> Slots::claim_there(dispatch::ClaimId claim, std::shared_ptr<io::H2Stream> stream, std::string line) {
  io::LineReader lines(*stream);
  const auto written = co_await stream->write(line);
  if (written.ok()) {
    for (;;) {  // one answer; then, as long as we hold it, nothing
      auto next = co_await lines.next();
      if (!next.ok() || !next->has_value()) break;
      auto answer = inner::decode_slot_answer(**next);
      if (!answer.ok()) {
        env_.log().warn("slot_answer_refused", {{"why", answer.error().message}});
        break;
      }
      answered(claim, {answer->granted, answer->node, answer->message, answer->better});
    }
  }
  stream->reset();
  elsewhere_.erase(claim);
  feed(desk_event::Lost{claim});
}

void Slots::drop(dispatch::ClaimId claim) {
  if (auto there = elsewhere_.extract(claim); !there.empty()) there.mapped()->reset();
  if (auto beside = next_to_us_.extract(claim); !beside.empty()) beside_.release(beside.mapped());
  if (auto here = here_.extract(claim); !here.empty()) queues_.release(here.mapped());
}

void Slots::settle(dispatch::Ticket ticket, const Answer& answer) {
  const auto found = asked_.find(ticket);
  if (found == asked_.end()) return;
  const auto tell = found->second.answer;
  if (!answer.granted) asked_.erase(found);
  tell(answer);
}

io::Task<void> Slots::serve(std::shared_ptr<io::H2Stream> stream) {
  if (!stream->respond({200, {}}).ok()) co_return;
  io::LineReader lines(*stream);
  auto line = co_await lines.next();
  if (!line.ok() || !line->has_value()) co_return;
  auto ask = inner::decode_slot_ask(**line);
  if (!ask.ok()) {
    env_.log().warn("slot_ask_refused", {{"why", ask.error().message}});
    stream->reset();
    co_return;
  }
  std::optional<Answer> answer;
  io::Event woken(env_.executor());
  const auto take = [&answer, &woken](const Answer& given) {
    answer = given;
    woken.set();
  };
  const std::uint32_t worker = ask->worker % workers_;  // who asks may not know how many we are
  const bool ours = worker == self_.worker;
  struct Held {
    Slots& slots;
    bool ours;
    std::uint64_t ticket;
    ~Held() { ours ? slots.queues_.release(ticket) : slots.beside_.release(ticket); }
  } const held{*this, ours, ours ? queues_.ask(*ask, take) : beside_.ask(worker, *ask, take)};
  stream->on_failure([&woken] { woken.set(); });
  while (!answer && !stream->failure()) co_await woken.wait();
  stream->on_failure([] {});
  if (!answer) co_return;
  const std::string said =
      inner::encode(inner::SlotAnswer{answer->granted, answer->node, answer->message, answer->better});
  const auto written = co_await stream->write(said);
  // Held until the asker ends the stream, or dies.
  if (written.ok() && answer->granted) (void)co_await lines.next();
  (void)stream->end();
}

}  // namespace aigrid::gateway
