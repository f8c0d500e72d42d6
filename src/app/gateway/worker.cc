#include "app/gateway/worker.h"

#include <algorithm>
#include <utility>

#include "app/gateway/audit_log.h"
#include "app/gateway/control_link.h"
#include "grid/source.h"

namespace aigrid::gateway {

Result<std::unique_ptr<Worker>> Worker::make(io::Env& env, const GatewayOptions& options, Plan plan,
                                             const Office& office) {
  AIGRID_TRY(auto wrap, io::web_wrap(env, "public", options.public_address, options.public_tls));
  const LedgerSpool::Place place{options.state, options.name, plan.number, options.workers, plan.epoch};
  AIGRID_TRY(auto ledger, LedgerSpool::open(env, place, options.cadence));
  return std::unique_ptr<Worker>(
      new Worker(env, options, std::move(plan), office, std::move(wrap), std::move(ledger)));
}

Worker::Worker(io::Env& env, const GatewayOptions& options, Plan plan, const Office& office, io::WrapFn public_wrap,
               std::unique_ptr<LedgerSpool> ledger)
    : env_(env),
      options_(options),
      number_(plan.number),
      office_(office),
      report_(std::move(plan.report)),
      failed_(std::move(plan.failed)),
      badge_(std::move(plan.badge)),
      come_(env.executor()),
      public_wrap_(std::move(public_wrap)),
      ledger_(std::move(ledger)),
      board_(options.name),
      queues_(env, board_, options.queue),
      agents_(env, board_, std::move(plan.agents_news)),
      slots_(env, board_, queues_, peers_, {options.name, number_}, options.workers, options.cadence.slot_retry),
      peers_(env, board_, badge_, {number_, options.workers}, options.cadence,
             [this](std::shared_ptr<io::H2Stream> s) { return inner_.serve_peer(std::move(s)); },
             {[this] { slots_.siblings_changed(); },
              [this](const std::string& gateway, const inner::SiteReport& report) {
                slots_.sibling_reported(gateway, report);
              }}),
      relays_(env, board_, peers_, badge_, options.cadence),
      quotas_(env, board_, peers_, options.leases, office_, {ledger_->source(), ledger_->epoch(), number_ == 0}),
      audit_(env, board_, badge_, options.state, number_, options.workers, options.cadence,
             [this](std::vector<std::string> leaves) { return give_leaves(std::move(leaves)); }),
      services_{env,     options, number_, office_, crew_,    badge_, board_, queues_, slots_,
                agents_, peers_,  relays_, inner_,  *ledger_, audit_, meters_, quotas_},
      inner_(services_),
      public_(services_),
      limits_(public_.limits()),
      named_(env.executor()),
      connections_(env.executor()),
      tasks_(env.executor()),
      reception_(env) {
  queues_.owned([this](const std::string& deployment) { return slots_.owns(deployment); });
  board_.on_change([this] { queues_.rows_changed(); });
}

void Worker::meet(Crew crew) {
  crew_ = std::move(crew);
  std::vector<WorkerSlots::Other> others;
  for (const auto& one : crew_) others.push_back({one.door, &one.services->slots.beside()});
  slots_.beside().meet(std::move(others));
  come_.set();
}

io::Task<void> Worker::met() {
  while (crew_.empty()) co_await come_.wait();
}

io::Task<void> Worker::dismissed() {
  while (!dismissed_) co_await come_.wait();
}

void Worker::adopt(std::shared_ptr<const Law> law) {
  board_.adopt(std::move(law));
  if (auto begun = audit_.law_changed(); !begun.ok()) {
    env_.log().fail("audit_log_unusable", {{"why", begun.error().message}});
  }
  agents_.bundle_changed();
  peers_.reconcile();
  inner_.reconcile();
  public_.law_changed();
  named_.set();
  report_(report());
}

std::string Worker::trouble() const {
  if (ledger_->full()) return "the disk is full: no more records can be kept";
  if (!audit_.open()) return "the audit log cannot be written: the log of this process says why";
  return {};
}

WorkerReport Worker::report() const {
  WorkerReport out{meters_, board_.version(), ledger_->refused(), trouble()};
  out.meters.records_written = ledger_->written();
  out.meters.records_backlog = ledger_->backlog();
  out.meters.records_homeless = ledger_->homeless();
  out.meters.records_not_taken = ledger_->batches_refused();
  out.meters.audit_leaves = audit_.leaves();
  out.meters.audit_behind = audit_.behind();
  out.meters.audit_lost = audit_.lost();
  out.meters.queue_waiting = queues_.waiting();
  return out;
}

io::Task<void> Worker::run(Listen listen, Barrier barrier) {
  tasks_.spawn(relays_.run());
  tasks_.spawn(serve_public(std::move(listen)));
  tasks_.spawn(look_after());
  tasks_.spawn(audit_.run());
  tasks_.spawn(ledger_->run([this](std::string body) { return ship(std::move(body)); }));
  tasks_.spawn(quotas_.run());
  if (crew_.size() > 1) tasks_.spawn(tell_rows());
  co_await env_.stop_requested().wait();
  if (public_listener_) public_listener_->close();
  const Time until = env_.now() + options_.cadence.drain_within;
  co_await drain(until);
  co_await barrier();
  co_await drain(until);  // of what other gateways have asked for meanwhile
  co_await stop_rest();
  (void)ledger_->settle().ok();
  co_await ledger_->durable();
  co_await audit_.settle();
}

io::Task<void> Worker::drain(Time until) {
  while (meters_.requests_open + meters_.attempts_hosted > 0 && env_.now() < until) {
    co_await env_.sleep_for(options_.cadence.drain_look);
  }
}

// What the drain left: it is told, and whoever does not take that leaves its record all the same.
io::Task<void> Worker::stop_rest() {
  public_.stop();
  const Time until = env_.now() + options_.cadence.stop_within;
  while (meters_.requests_open > 0 && env_.now() < until) co_await env_.sleep_for(options_.cadence.drain_look);
  connections_.cancel();
}

// What peers ask of us on connections that we dialled uses all that is built above them.
void Worker::end() {
  peers_.leave_all();
  tasks_.cancel();
  connections_.cancel();
  inner_.leave_all();
}

io::Task<void> Worker::serve_public(Listen listen) {
  while (number_ >= std::max(board_.workers(), 1U)) co_await named_.wait();
  auto listener = listen();
  if (!listener.ok()) {
    failed_(listener.error());
    co_return;
  }
  public_listener_ = std::move(*listener);  // its accepting task ends after this frame
  io::ServeFn serve = [this](io::Exchange& exchange) { return public_.serve(exchange); };
  co_await io::serve_listener(env_, *public_listener_, connections_, limits_, std::move(serve), public_wrap_);
}

// What a full disk did not take goes to it when there is room, whether or not requests come.
io::Task<void> Worker::look_after() {
  for (;;) {
    co_await env_.sleep_for(options_.cadence.status_every);
    (void)ledger_->settle().ok();
    (void)audit_.law_changed().ok();
    // What a law permits until now and no longer ends here for streams that run, too.
    const auto law = board_.current();
    board_.renew(unix_seconds(env_.wall()));
    if (law != board_.current()) public_.law_changed();
    report_(report());
  }
}

// What our queues say, to the other workers of the process.
io::Task<void> Worker::tell_rows() {
  for (;;) {
    co_await env_.sleep_for(options_.cadence.site_rows_every);
    if (!board_.loaded()) continue;
    queues_.refresh_rows();
    const auto report = std::make_shared<const inner::SiteReport>(site_report(board_));
    for (std::uint32_t worker = 0; worker < crew_.size(); ++worker) {
      if (worker == number_) continue;
      crew_[worker].door.tell([of_it = crew_[worker].services, from = number_, report] {
        of_it->slots.worker_reported(from, *report);
      });
    }
  }
}

io::Task<Result<void>> Worker::give_leaves(std::vector<std::string> leaves) {
  std::function<io::Task<Result<void>>()> ask = [log = office_.log, leaves = std::move(leaves)] {
    return log->take(leaves);
  };
  co_return co_await office_.door.ask(env_, std::move(ask));
}

io::Task<Result<io::InnerAnswer>> Worker::ship(std::string body) {
  std::function<io::Task<Result<io::InnerAnswer>>()> ask = [control = office_.control, body = std::move(body)] {
    return control->exchange("/inner/records", body, {});
  };
  co_return co_await office_.door.ask(env_, std::move(ask));
}

}  // namespace aigrid::gateway
