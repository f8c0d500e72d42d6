#include "app/gateway/ingress.h"

#include <utility>

#include "app/gateway/answers.h"
#include "app/gateway/ask_frame.h"
#include "app/gateway/request_record.h"
#include "io/env/seed.h"

namespace aigrid::gateway {

namespace event = dispatch::event;
namespace action = dispatch::action;

Ingress::Ingress(Services& services, Ingresses& all, io::Exchange& exchange, Admitted& admitted)
    : services_(services),
      env_(services.env),
      exchange_(exchange),
      admitted_(admitted),
      bill_(admitted.admission.generation->tables, admitted.admission.input, admitted.body->size()),
      life_(services.options.budget, admitted.admission.input, random_seed(services.env),
            admitted.question.scan.stream),
      all_(all),
      mandate_(admitted.admission),
      events_(services.env.executor()),
      writer_(services.env, exchange, services.meters, admitted.received, events_),
      answer_(services, admitted, mandate_, life_, events_, writer_),
      alarm_(env_.timer([this] { events_.push({event::Alarm{}}); })),
      attempts_(services, admitted, mandate_, bill_, answer_, events_) {
  all_.insert(this);
  ++services_.meters.requests_open;
}

Ingress::~Ingress() {
  all_.erase(this);
  exchange_.on_client_gone({});
  if (!accounted_) step(event::Stop{});
  --services_.meters.requests_open;
}

io::Task<void> Ingress::run() {
  exchange_.on_client_gone([this] { events_.push({event::ClientGone{}}); });
  feed({event::Start{}});
  while (!life_.done()) {
    auto next = co_await events_.next();
    feed(std::move(*next));
  }
  attempts_.end();  // now, however slowly the client takes the rest
  if (client_gone_) {
    writer_.abort();
  } else {
    co_await writer_.close();
  }
}

void Ingress::feed(Told told) {
  if (mandate_->generation != services_.board.current()) adopt_law();
  if (auto* head = std::get_if<event::Head>(&told.event)) {
    head->node = mandate_.node(told.node);
    if (head->prompt_tokens > 0) {  // counted: no byte of the body need be a token any more
      admitted_.reservation.lower(bill_.need(admitted_.admission.input, head->prompt_tokens));
    }
  }
  if (auto* lost = std::get_if<event::Lost>(&told.event)) lost->node = mandate_.node(told.node);
  if (auto* refused = std::get_if<event::Refused>(&told.event)) {
    refused->node = mandate_.node(told.node);
    for (const auto& name : told.sites) {
      if (auto site = mandate_.tables().find_site(name)) refused->redirect.push_back(*site);
    }
  }
  if (const auto* taken = std::get_if<event::Delivered>(&told.event)) attempts_.consumed(taken->attempt, taken->bytes);
  step(told.event);
}

void Ingress::adopt_law() {
  auto next = std::make_unique<Admission>();
  auto refusal = admit(services_, admitted_.caller, admitted_.question, *admitted_.admission.input.task, *next);
  const routing::Rebind rebind{mandate_.tables(), *next->generation->tables};
  if (refusal) {  // whoever asks may no longer: nowhere is permitted
    next->rules = {std::move(refusal->message)};
    next->input = rebind.input(mandate_->input);
    next->input.rules = &next->rules;
    next->input.permitted = next->input.lingering = {};
  }
  life_.rebind(next->input, rebind);
  admitted_.evidence.law_changed(next->generation);
  mandate_.change(std::move(next));
  step(event::LawChanged{});
}

void Ingress::step(const dispatch::Event& event) {
  // Copied: carrying out an action may feed the next event.
  const std::vector<dispatch::Action> actions = life_.on_event(event, mandate_.snapshot(), env_.now());
  // The record is written before the last byte leaves.
  for (const auto& a : actions) {
    if (const auto* complete = std::get_if<action::Complete>(&a); complete && complete->length) {
      answer_.close_by_length();
    }
    if (const auto* finish = std::get_if<action::Finish>(&a)) account(*finish);
  }
  for (const auto& a : actions) carry_out(a);
}

void Ingress::carry_out(const dispatch::Action& a) {
  if (const auto* asked = std::get_if<action::Ask>(&a)) {
    ask(*asked);
  } else if (const auto* cancel = std::get_if<action::Cancel>(&a)) {
    attempts_.give_up(cancel->attempt);
  } else if (std::holds_alternative<action::Stay>(a)) {
    attempts_.stay();
  } else if (const auto* seen = std::get_if<action::Observed>(&a)) {
    const auto& sites = mandate_.tables().sites;
    if (seen->site < sites.size()) services_.board.observed(sites[seen->site].spec.name, *seen, env_.now());
  } else if (const auto* alarm = std::get_if<action::SetAlarm>(&a)) {
    if (alarm->at == kNever) {
      alarm_->cancel();
    } else {
      alarm_->arm(alarm->at);
    }
  } else if (const auto* won = std::get_if<action::Won>(&a)) {
    attempts_.settle_race(won->attempt);
  } else if (std::holds_alternative<action::Answer>(a)) {
    answer_.start();
  } else if (const auto* failure = std::get_if<action::Fail>(&a)) {
    answer_.fail(*failure);
  } else if (std::holds_alternative<action::Complete>(a)) {
    answer_.complete();
  }
}

void Ingress::ask(const action::Ask& ask) {
  if (ask.attempt > 1) ++(ask.hedge ? services_.meters.hedges : services_.meters.retries);
  if (ask.attempt == 1) services_.board.requested();
  if (ask.hedge) services_.board.hedged();
  admitted_.evidence.asked(ask.attempt, env_.now() - admitted_.received, relay_to(ask.decision.site));
  attempts_.make_way_for(ask);
  if (answer_.sealed()) {  // by what came in this very turn
    event::Refused refused;
    refused.attempt = ask.attempt;
    refused.verdict = event::Refused::Verdict::Never;
    refused.message = "what was delivered cannot be continued";
    events_.push({std::move(refused)});
    return;
  }
  inner::Ask frame = ask_frame(services_, admitted_, mandate_, life_, ask, answer_.given());
  services_.board.dispatched(frame.deployment, frame.site, env_.now());
  attempts_.start(std::move(frame));
}

// The site that passes on what is asked there; empty: none.
std::string Ingress::relay_to(routing::SiteIndex site) const {
  const auto& links = mandate_->generation->rows.links;
  const auto via = site < links.size() ? links[site].via : routing::kNone;
  return via == routing::kNone ? std::string() : mandate_.tables().sites[via].spec.name;
}

void Ingress::account(const action::Finish& finish) {
  accounted_ = true;
  client_gone_ = finish.outcome == grid::Outcome::ClientGone;
  grid::Record record = record_of(admitted_, finish, env_.now(), writer_.first_byte());
  record.site = answer_.site();
  record.node = answer_.node();
  bill_.complete(record);
  admitted_.reservation.settle(bill_.used(record));
  admitted_.evidence.decided(life_.decision());
  answer_.end_evidence(finish.outcome == grid::Outcome::Finished);
  services_.meters.prompt_tokens += finish.usage.prompt_tokens;
  services_.meters.completion_tokens += finish.usage.completion_tokens;
  write_record(services_, admitted_, std::move(record));
}

}  // namespace aigrid::gateway
