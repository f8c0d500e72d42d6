#include "app/gateway/ingress.h"

#include <utility>

#include "app/gateway/answers.h"
#include "app/gateway/local_attempt.h"
#include "app/gateway/peer_attempt.h"
#include "format/openai/answer.h"
#include "format/openai/error_body.h"
#include "io/env/seed.h"

namespace aigrid::gateway {

namespace {

// So much of a stream waits for its first token, so that one that is lost before begins anew unseen.
constexpr std::size_t kUnseen = 4096;

dispatch::Resume mode_of(inner::Resume resume) { return static_cast<dispatch::Resume>(resume); }

}  // namespace

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
      law_(&admitted.admission),
      events_(services.env.executor()),
      output_(services.env.executor()),
      writer_(services.env.executor()),
      tasks_(services.env.executor()) {
  alarm_ = env_.timer([this] { tell({event::Alarm{}, {}, {}}); });
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
  exchange_.on_client_gone([this] { tell({event::ClientGone{}, {}, {}}); });
  writer_.spawn(write_output());
  feed({event::Start{}, {}, {}});
  while (!life_.done()) {
    auto next = co_await events_.next();
    feed(std::move(*next));
  }
  tasks_.cancel();
  attempts_.clear();  // gives back slots and streams now, however slowly the client takes the rest
  output_.close();
  if (client_gone_) {
    writer_.cancel();
    exchange_.abort();
  } else {
    co_await writer_.join();
  }
}

void Ingress::feed(Told told) {
  if (law_->generation != services_.board.current()) adopt_law();
  if (auto* head = std::get_if<event::Head>(&told.event)) head->node = node_index(told.node);
  if (auto* lost = std::get_if<event::Lost>(&told.event)) lost->node = node_index(told.node);
  if (auto* refused = std::get_if<event::Refused>(&told.event)) {
    refused->node = node_index(told.node);
    for (const auto& name : told.sites) {
      if (auto site = law_->generation->tables->find_site(name)) refused->redirect.push_back(*site);
    }
  }
  step(told.event);
}

void Ingress::adopt_law() {
  auto next = std::make_unique<Admission>();
  auto refusal = admit(services_, admitted_.caller, admitted_.question, *admitted_.admission.input.task, *next);
  const routing::Rebind rebind{*law_->generation->tables, *next->generation->tables};
  if (refusal) {  // whoever asks may no longer: nowhere is permitted
    next->rules = {std::move(refusal->message)};
    next->input = rebind.input(law_->input);
    next->input.rules = &next->rules;
    next->input.permitted = {};
  }
  life_.rebind(next->input, rebind);
  admitted_.evidence.law_changed(next->generation);
  newer_ = std::move(next);
  law_ = newer_.get();
  step(event::LawChanged{});
}

void Ingress::step(const dispatch::Event& event) {
  // Copied: carrying out an action may feed the next event.
  const std::vector<dispatch::Action> actions = life_.on_event(event, law_->generation->snapshot(), env_.now());
  // The record is written before the last byte leaves.
  for (const auto& a : actions) {
    if (const auto* complete = std::get_if<action::Complete>(&a); complete && complete->length) close_by_length();
    if (const auto* finish = std::get_if<action::Finish>(&a)) account(*finish);
  }
  for (const auto& a : actions) carry_out(a);
}

void Ingress::carry_out(const dispatch::Action& a) {
  if (const auto* ask = std::get_if<action::Ask>(&a)) {
    start_attempt(*ask);
  } else if (const auto* cancel = std::get_if<action::Cancel>(&a)) {
    give_up(cancel->attempt);
  } else if (std::holds_alternative<action::Stay>(a)) {
    stay();
  } else if (const auto* seen = std::get_if<action::Observed>(&a)) {
    const auto& sites = law_->generation->tables->sites;
    if (seen->site < sites.size()) services_.board.observed(sites[seen->site].spec.name, *seen, env_.now());
  } else if (const auto* alarm = std::get_if<action::SetAlarm>(&a)) {
    if (alarm->at == kNever) {
      alarm_->cancel();
    } else {
      alarm_->arm(alarm->at);
    }
  } else if (const auto* answer = std::get_if<action::Answer>(&a)) {
    if (racing_) settle_race(answer->attempt);
    start_answer();
  } else if (const auto* failure = std::get_if<action::Fail>(&a)) {
    fail(*failure);
  } else if (std::holds_alternative<action::Complete>(a)) {
    complete();
  }
}

void Ingress::start_attempt(const action::Ask& ask) {
  if (ask.attempt > 1) ++(ask.hedge ? services_.meters.hedges : services_.meters.retries);
  if (ask.attempt == 1) services_.board.requested();
  admitted_.evidence.asked(ask.attempt, env_.now() - admitted_.received, relay_to(ask.decision.site));
  if (ask.hedge) {
    services_.board.hedged();
    racing_ = true;
  } else if (ask.beside) {
    frozen_ = current_;
  } else {
    frozen_ = 0;
    racing_ = false;
    aside_.clear();
    // What an attempt before this one had sent is void; one that was cancelled still says what it did.
    std::erase_if(attempts_, [](const auto& entry) { return !entry.second.cancelled; });
    held_.clear();
    tail_.clear();
    if (!streaming_) given_ = {};  // nothing reached the client
  }
  const auto& tables = *law_->generation->tables;
  if (given_.count() > 0 && given_.mode() == dispatch::Resume::None) {  // said by what came in this very turn
    event::Refused refused;
    refused.attempt = ask.attempt;
    refused.verdict = event::Refused::Verdict::Never;
    refused.message = "what was delivered cannot be continued";
    tell({std::move(refused), {}, {}});
    return;
  }
  inner::Ask frame = ask_frame(ask);
  const std::string site = frame.site;
  services_.board.dispatched(frame.deployment, frame.site, env_.now());
  AttemptSink& self = *this;
  std::shared_ptr<Attempt> attempt;
  if (tables.sites[ask.decision.site].spec.name == services_.board.site()) {
    attempt = std::make_shared<LocalAttempt>(env_, services_.board, services_.slots, services_.agents, std::move(frame),
                                             admitted_.body, self);
  } else {
    attempt =
        std::make_shared<PeerAttempt>(env_, services_.board, services_.peers, std::move(frame), admitted_.body, self);
  }
  attempts_[ask.attempt] = {attempt, site, given_.count(), false};
  tasks_.spawn(run_attempt(std::move(attempt)));
}

// The site that passes on what is asked there; empty: none.
std::string Ingress::relay_to(routing::SiteIndex site) const {
  const auto& links = law_->generation->rows.links;
  const auto via = site < links.size() ? links[site].via : routing::kNone;
  return via == routing::kNone ? std::string() : law_->generation->tables->sites[via].spec.name;
}

// The attempt that was held back goes on, with what it has sent meanwhile.
void Ingress::stay() {
  if (frozen_ == 0) {  // the other was accepted in this very turn: from what the client has, a third goes on
    tell({event::Lost{moved_from_, routing::kNone, "given up while it moved"}, {}, {}});
    return;
  }
  const std::uint32_t attempt = std::exchange(frozen_, 0);
  inner::Decoder decoder;
  for (const auto& bytes : std::exchange(aside_, {})) {
    decoder.feed(bytes);
    auto frame = decoder.next();
    if (frame.ok() && frame->has_value()) on_frame(attempt, **frame);
  }
}

io::Task<void> Ingress::run_attempt(std::shared_ptr<Attempt> attempt) { co_await attempt->run(); }

inner::Ask Ingress::ask_frame(const action::Ask& ask) const {
  const auto& tables = *law_->generation->tables;
  const auto& deployment = tables.deployments[ask.decision.deployment];
  inner::Ask frame;
  frame.request_id = admitted_.request_id;
  frame.attempt = ask.attempt;
  frame.answer_id = admitted_.answer_id;
  frame.created_unix_s = unix_seconds(admitted_.received_wall);
  frame.endpoint = admitted_.endpoint;
  frame.tenant = admitted_.caller.tenant;
  frame.project = admitted_.caller.project;
  frame.key_id = admitted_.caller.key_id;
  frame.model = tables.models[deployment.model].spec.name;
  frame.deployment = deployment.spec.name;
  frame.site = tables.sites[ask.decision.site].spec.name;
  for (const auto& e : life_.excluded()) {
    if (e.node != routing::kNone) frame.excluded_nodes.push_back(tables.nodes[e.node].spec.name);
  }
  frame.zones = admitted_.question.intent.zones;
  if (!admitted_.caller.zone.empty()) frame.zones.push_back(admitted_.caller.zone);
  frame.data_level = std::max(admitted_.caller.data_level, admitted_.question.intent.data_level);
  frame.regimes = admitted_.question.intent.regimes;
  frame.regimes.insert(frame.regimes.end(), admitted_.caller.regimes.begin(), admitted_.caller.regimes.end());
  frame.ingress_site = services_.board.site();
  frame.stream = admitted_.question.scan.stream;
  frame.prompt_tokens = admitted_.admission.input.prompt_tokens;
  frame.max_output_tokens = admitted_.admission.input.max_output_tokens;
  frame.hops = life_.hops();
  frame.tier = static_cast<std::uint8_t>(law_->input.tier);
  frame.remaining_ms = static_cast<std::uint32_t>(to_ms(ask.remaining));
  frame.bundle_version = tables.version;
  frame.resume_count = given_.count();
  if (frame.resume_count > 0) {
    frame.resume_ids = given_.ids();
    frame.resume_text = given_.text();
  }
  return frame;
}

routing::NodeIndex Ingress::node_index(const std::string& name) const {
  if (name.empty()) return routing::kNone;
  return law_->generation->tables->find_node(name).value_or(routing::kNone);
}

void Ingress::on_frame(std::uint32_t attempt, const inner::Frame& frame) {
  if (attempt == frozen_) {
    aside_.push_back(inner::encode(frame));
    return;
  }
  const auto running = attempts_.find(attempt);
  if (running == attempts_.end()) return;  // given up: what it still says is void
  Running& from = running->second;
  if (from.cancelled) return take_after_cancel(attempt, from, frame);
  if (racing_ && !from.accepted && hold_early(attempt, from, frame)) return;
  // One that was moved away from only counts what it did.
  if (attempt < current_ && !std::holds_alternative<inner::End>(frame)) return;
  if (const auto* head = std::get_if<inner::Head>(&frame)) {
    take_head(attempt, from, *head);
  } else if (const auto* refuse = std::get_if<inner::Refuse>(&frame)) {
    take_refusal(attempt, *refuse);
  } else if (!from.accepted && !std::holds_alternative<inner::End>(frame)) {
    return;  // it began with no head, or with one that cannot be
  } else if (const auto* data = std::get_if<inner::Data>(&frame)) {
    take_data(attempt, data->bytes);
  } else if (const auto* tail = std::get_if<inner::Tail>(&frame)) {
    tail_ = std::string(tail->bytes);
    tell({event::Progress{attempt, 0, 0, given_.mode()}, {}, {}});
  } else if (const auto* tokens = std::get_if<inner::Tokens>(&frame)) {
    bill_.heard(attempt, tokens->count);
    given_.tokens(tokens->count, tokens->ids, mode_of(tokens->resume));
    tell({event::Progress{attempt, 0, 0, given_.mode()}, {}, {}});
  } else if (const auto* end = std::get_if<inner::End>(&frame)) {
    take_end(attempt, *end);
  }
}

// The head of an attempt that races is told, and all that it sends waits for the decision. False: it came to nothing.
bool Ingress::hold_early(std::uint32_t attempt, Running& from, const inner::Frame& frame) {
  if (std::holds_alternative<inner::Refuse>(frame)) return false;
  if (from.early.empty()) {
    const auto* head = std::get_if<inner::Head>(&frame);
    if (head == nullptr) return !std::holds_alternative<inner::End>(frame);
    if (!head_fits(from, *head)) return false;
    tell({event::Head{attempt, routing::kNone, mode_of(head->resume), from.from}, head->node, {}});
  }
  from.early.push_back(inner::encode(frame));
  return true;
}

void Ingress::settle_race(std::uint32_t winner) {
  racing_ = false;
  const auto it = attempts_.find(winner);
  if (it == attempts_.end() || it->second.accepted) return;
  held_.clear();  // of another, that had begun before there was a race
  tail_.clear();
  given_ = {};
  inner::Decoder decoder;
  for (const auto& bytes : std::exchange(it->second.early, {})) {
    decoder.feed(bytes);
    auto frame = decoder.next();
    if (frame.ok() && frame->has_value()) on_frame(winner, **frame);
  }
}

void Ingress::give_up(std::uint32_t attempt) {
  const auto it = attempts_.find(attempt);
  if (it == attempts_.end()) return;
  it->second.cancelled = true;
  it->second.attempt->cancel();
  inner::Decoder decoder;
  for (const auto& bytes : std::exchange(it->second.early, {})) {
    decoder.feed(bytes);
    auto frame = decoder.next();
    if (frame.ok() && frame->has_value()) take_after_cancel(attempt, it->second, **frame);
  }
}

// Nothing of it is for the client any more; what was made counts, and its end says what that was.
void Ingress::take_after_cancel(std::uint32_t attempt, Running& running, const inner::Frame& frame) {
  if (const auto* tokens = std::get_if<inner::Tokens>(&frame)) {
    if (running.accepted) bill_.heard(attempt, tokens->count);
  } else if (const auto* data = std::get_if<inner::Data>(&frame)) {
    running.attempt->consumed(data->bytes.size());
  } else if (const auto* tail = std::get_if<inner::Tail>(&frame)) {
    running.attempt->consumed(tail->bytes.size());
  } else if (const auto* end = std::get_if<inner::End>(&frame)) {
    take_end(attempt, *end);
  }
}

// Where it runs is told to the client and written into the record: only what was asked and what the bundle knows.
bool Ingress::head_fits(const Running& running, const inner::Head& head) const {
  const auto& tables = *law_->generation->tables;
  const auto node = node_index(head.node);
  const bool elsewhere = node != routing::kNone && tables.sites[tables.nodes[node].site].spec.name != running.site;
  return head.site == running.site && !elsewhere;
}

void Ingress::take_head(std::uint32_t attempt, Running& running, const inner::Head& head) {
  if (!head_fits(running, head)) {
    tell({event::Lost{attempt, routing::kNone, "it answered from another place than was asked"}, {}, {}});
    return;
  }
  const auto mode = mode_of(head.resume);
  running.accepted = running.from == 0 || mode != dispatch::Resume::None;
  if (running.accepted) {
    current_ = attempt;
    moved_from_ = std::exchange(frozen_, 0);
    aside_.clear();
    tail_.clear();
    site_ = running.site;
    node_ = node_index(head.node) == routing::kNone ? std::string() : head.node;
    given_.head(mode);
  }
  if (running.accepted && running.from > 0) {
    ++services_.meters.streams_resumed;
    env_.log().note("stream_resumed", {{"request_id", admitted_.request_id},
                                       {"attempt", attempt},
                                       {"site", site_},
                                       {"node", node_},
                                       {"from_tokens", running.from},
                                       {"by", given_.mode() == dispatch::Resume::Tokens ? "tokens" : "text"}});
  }
  tell({event::Head{attempt, routing::kNone, mode, running.from, head.prompt_tokens}, head.node, {}});
}

void Ingress::take_end(std::uint32_t attempt, const inner::End& end) {
  event::End ended;
  ended.attempt = attempt;
  ended.usage = end.usage;
  ended.finish = end.finish;
  ended.failed = end.finish == "error";
  if (const auto it = attempts_.find(attempt); it != attempts_.end()) ended.from = it->second.from;
  if (ended.failed && attempt == current_ && whole_stream()) {
    ended.usage = {admitted_.admission.input.prompt_tokens, given_.count(), 0};
    ended.finish = "stop";
    ended.failed = false;
  }
  tell({std::move(ended), {}, {}});
}

void Ingress::take_refusal(std::uint32_t attempt, const inner::Refuse& refuse) {
  event::Refused refused;
  refused.attempt = attempt;
  refused.verdict = static_cast<event::Refused::Verdict>(refuse.verdict);
  refused.status = static_cast<int>(refuse.status);
  refused.code = refuse.code;
  refused.message = refuse.message;
  refused.param = refuse.param;
  tell({std::move(refused), refuse.node, refuse.sites});
}

void Ingress::on_lost(std::uint32_t attempt, const std::string& node, const std::string& why) {
  if (attempt == frozen_) {
    inner::End end;
    end.finish = "error";
    end.error = why;
    aside_.push_back(inner::encode(end));
    return;
  }
  if (attempt == current_ && whole_stream()) {
    inner::End end;
    end.finish = "error";
    return take_end(attempt, end);
  }
  tell({event::Lost{attempt, routing::kNone, why}, node, {}});
}

void Ingress::take_data(std::uint32_t attempt, std::string_view bytes) {
  held_ += bytes;
  if (!admitted_.question.scan.stream) {
    tell({event::Progress{attempt, bytes.size(), 0, given_.mode()}, {}, {}});
    delivered(attempt, bytes.size());
    return;
  }
  const bool matters = given_.mode() != dispatch::Resume::None;
  const auto tokens = given_.data(matters ? delta_.of(bytes) : std::string());
  tell({event::Progress{attempt, 0, tokens, given_.mode()}, {}, {}});
  release(false);
}

// What is held of a stream goes out: after the head, and not before the first token.
void Ingress::release(bool all) {
  if (!streaming_ || held_.empty() || attempts_.empty()) return;
  const std::uint32_t attempt = current_;
  if (given_.count() == 0) {
    if (!all && held_.size() <= kUnseen) return;
    given_.spoilt();
  }
  tell({event::Progress{attempt, held_.size(), 0, given_.mode()}, {}, {}});
  admitted_.evidence.sent(held_);
  output_.push(Bytes{attempt, std::exchange(held_, {})});
}

void Ingress::delivered(std::uint32_t attempt, std::size_t bytes) {
  if (auto it = attempts_.find(attempt); it != attempts_.end()) it->second.attempt->consumed(bytes);
  tell({event::Delivered{attempt, bytes}, {}, {}});
}

io::Task<void> Ingress::write_output() {
  while (auto output = co_await output_.next()) {
    auto written = co_await write_one(*output);
    if (!written.ok()) {
      tell({event::ClientGone{}, {}, {}});
      co_return;
    }
    if (const auto* bytes = std::get_if<Bytes>(&*output)) delivered(bytes->attempt, bytes->bytes.size());
  }
}

io::Task<Result<void>> Ingress::write_one(Output& output) {
  if (auto* start = std::get_if<Start>(&output)) {
    co_return co_await exchange_.start(200, std::move(start->headers));
  }
  if (auto* whole = std::get_if<Whole>(&output)) {
    if (whole->status == 200) first_byte();
    co_return co_await exchange_.respond(whole->status, std::move(whole->headers), std::move(whole->body));
  }
  first_byte();
  if (auto* bytes = std::get_if<Bytes>(&output)) co_return co_await exchange_.write(bytes->bytes);
  auto written = co_await exchange_.write(std::get<Last>(output).bytes);
  if (!written.ok()) co_return std::move(written).error();
  co_return co_await exchange_.finish();
}

void Ingress::first_byte() {
  if (first_byte_ != Time{}) return;
  first_byte_ = env_.now();
  services_.meters.first_byte(first_byte_ - admitted_.received);
}

http::Headers Ingress::headers() const {
  http::Headers out = standard_headers(admitted_.request_id, env_.now() - admitted_.received);
  if (!site_.empty()) out.set("x-aigrid-site", site_);
  out.set("x-aigrid-tier", grid::to_string(admitted_.admission.input.tier));
  out.set("x-aigrid-receipt", services_.audit.receipt(admitted_.request_id));
  services_.quotas.add_headers(admitted_.caller, out);
  return out;
}

void Ingress::start_answer() {
  if (!admitted_.question.scan.stream) return;  // a whole answer is sent when it is whole
  http::Headers out = headers();
  out.set("content-type", "text/event-stream; charset=utf-8");
  out.set("cache-control", "no-cache");
  streaming_ = true;
  output_.push(Start{std::move(out)});
  release(false);
}

void Ingress::fail(const action::Fail& failure) {
  const openai::ApiError error{failure.status, failure.code, failure.message, failure.param};
  const std::string extra = request_id_member(admitted_.request_id);
  if (streaming_) {
    release(true);
    output_.push(Last{openai::error_event(error, extra)});
    return;
  }
  http::Headers out = headers();
  add_retry_headers(out, failure);
  output_.push(Whole{failure.status, std::move(out), openai::error_body(error, extra)});
}

// In the place of the node that was lost before it could.
void Ingress::close_by_length() {
  openai::Closing closing;
  closing.id = admitted_.answer_id;
  closing.created_unix_s = unix_seconds(admitted_.received_wall);
  closing.model = admitted_.question.scan.model;
  closing.finish_reason = "length";
  if (admitted_.question.scan.include_usage) {
    closing.usage = grid::Usage{admitted_.admission.input.prompt_tokens, given_.count(), 0};
  }
  auto [events, tail] = openai::closing_events(closing);
  held_ += events;
  tail_ = std::move(tail);
}

void Ingress::complete() {
  if (streaming_) {
    release(true);
    output_.push(Last{openai::finish_stream(tail_, grid_object(), service_tier())});
    return;
  }
  http::Headers out = headers();
  out.set("content-type", "application/json");
  std::string body = std::move(held_);
  body += openai::finish_object(tail_, grid_object(), service_tier());
  output_.push(Whole{200, std::move(out), std::move(body)});
}

std::string_view Ingress::service_tier() const {
  if (!admitted_.question.scan.service_tier) return {};
  return openai::service_tier_of(admitted_.admission.input.tier);
}

std::string Ingress::grid_object() const {
  const auto snapshot = law_->generation->snapshot();
  openai::GridNote note;
  note.request_id = admitted_.request_id;
  note.site = site_;
  note.node = node_;
  note.tier = grid::to_string(admitted_.admission.input.tier);
  note.why = routing::sentence(*snapshot.tables, life_.decision());
  note.resumed = life_.resumes();
  note.hedged = life_.hedged();
  if (note.resumed > 0) note.resumed_by = given_.mode() == dispatch::Resume::Tokens ? "tokens" : "text";
  if (first_byte_ != Time{}) note.ttft_ms = to_ms_f(first_byte_ - admitted_.received);
  if (admitted_.question.intent.trace) {
    note.receipt = services_.audit.receipt(admitted_.request_id);
    note.explanation = explanation_json(*snapshot.tables, life_.explain(snapshot, env_.now()));
  }
  return openai::grid_object(note);
}

void Ingress::account(const action::Finish& finish) {
  accounted_ = true;
  const Time now = env_.now();
  const auto& tables = *admitted_.admission.generation->tables;
  grid::Record record;
  record.request_id = admitted_.request_id;
  record.tenant = admitted_.caller.tenant;
  record.project = admitted_.caller.project;
  record.key_id = admitted_.caller.key_id;
  record.model = tables.models[admitted_.admission.input.model].spec.name;
  record.endpoint = admitted_.endpoint;
  record.site = site_;
  record.node = node_;
  record.tier = grid::to_string(admitted_.admission.input.tier);
  record.outcome = finish.outcome;
  client_gone_ = finish.outcome == grid::Outcome::ClientGone;
  record.status = finish.status;
  record.code = finish.code;
  record.usage = finish.usage;
  record.received_unix_ms = unix_ms(admitted_.received_wall);
  record.total_us = (now - admitted_.received).count() / 1000;
  if (first_byte_ != Time{}) {
    record.ttft_us = (first_byte_ - admitted_.received).count() / 1000;
  } else if (finish.outcome == grid::Outcome::Finished) {
    record.ttft_us = record.total_us;  // a whole answer: its first byte leaves now
  }
  record.attempts = finish.attempts;
  bill_.complete(record);
  admitted_.reservation.settle(bill_.used(record));
  admitted_.evidence.decided(life_.decision());
  if (finish.outcome == grid::Outcome::Finished) {
    admitted_.evidence.ends_with({held_, tail_});
  } else {
    admitted_.evidence.ends_with({});
  }
  services_.meters.prompt_tokens += finish.usage.prompt_tokens;
  services_.meters.completion_tokens += finish.usage.completion_tokens;
  write_record(services_, admitted_, std::move(record));
}

}  // namespace aigrid::gateway
