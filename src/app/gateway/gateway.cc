#include "app/gateway/gateway.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "app/gateway/audit_log.h"
#include "app/gateway/control_link.h"
#include "app/gateway/distances.h"
#include "app/gateway/lease_home.h"
#include "app/gateway/worker.h"
#include "core/routing/readiness.h"
#include "io/client/join.h"
#include "io/client/ops_server.h"
#include "io/client/renewal.h"
#include "io/http/web.h"
#include "io/store/epoch.h"

namespace aigrid::gateway {

namespace {

io::JoinOptions join_options(const GatewayOptions& options, const io::Address& public_at, const io::Address& inner_at) {
  io::JoinOptions join;
  join.through = options.control;
  join.token = options.token;
  join.role = Role::Gateway;
  join.name = options.name;
  join.public_address = options.advertise_public.empty() ? public_at : options.advertise_public;
  join.inner_address = options.advertise_inner.empty() ? inner_at : options.advertise_inner;
  join.workers = options.workers;
  return join;
}

// What a gateway process has once, on its main worker, and the others as it knows them.
class Process {
 public:
  Process(io::Env& env, const GatewayOptions& options, std::unique_ptr<io::Membership> membership, std::uint64_t epoch)
      : env_(env), options_(options), membership_(std::move(membership)), epoch_(epoch), come_(env.executor()) {}
  ~Process() {
    if (main_) main_->end();  // what runs there uses what is destroyed before it
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  io::Task<int> run(std::unique_ptr<io::Listener> public_listener, std::unique_ptr<io::Listener> inner_listener) {
    if (auto begun = begin(); !begun.ok()) co_return failed("gateway_not_started", begun.error());
    const io::Address public_at = public_listener->address();
    co_await hire(public_at);
    if (exit_code_ != 0) co_return exit_code_;
    auto held = control_->load_held();
    if (!held.ok() && held.error().code != Code::NotFound) {
      env_.log().fail("held_bundle_refused", {{"why", held.error().message}});
    }
    membership_->on_change([this] { renewed(); });
    spawn_tasks(std::move(inner_listener));
    env_.log().note("gateway_started",
                    {{"name", options_.name}, {"public", public_at}, {"workers", options_.workers}, {"epoch", epoch_}});
    Worker::Listen listen = [listener = std::make_shared<std::unique_ptr<io::Listener>>(std::move(public_listener))] {
      return Result<std::unique_ptr<io::Listener>>(std::move(*listener));
    };
    Worker::Barrier barrier = [this] { return wait_drained(); };
    co_await main_->run(std::move(listen), std::move(barrier));
    while (working_ > 0) co_await come_.wait();
    env_.log().note("gateway_stopped");
    co_return exit_code_;
  }

  // Messages of the other workers.
  void arrived(std::uint32_t number, Worker* worker, Colleague colleague) {
    others_[number] = {worker, std::move(colleague), {}};
    come_.set();
  }
  void reported(std::uint32_t number, WorkerReport report) {
    Other& other = others_.at(number);
    const bool news = other.report.bundle_version != report.bundle_version;
    other.report = std::move(report);
    if (news) control_->status_changed();
  }
  void drained() {
    ++drained_;
    come_.set();
  }
  void failed(const Error& error) {
    exit_code_ = failed("worker_failed", error);
    stop_all();
    come_.set();
  }
  void ended() {
    --working_;
    come_.set();
  }

 private:
  struct Other {
    Worker* worker = nullptr;  // touched through its door only
    Colleague colleague;
    WorkerReport report;
  };

  int failed(const char* event, const Error& error) {
    env_.log().fail(event, {{"why", error.message}});
    return 1;
  }

  Result<void> begin() {
    Worker::Plan plan{0,
                      epoch_,
                      badge_of(*membership_),
                      [this] { control_->status_changed(); },
                      [](WorkerReport) {},
                      [this](const Error& error) { failed(error); }};
    AIGRID_TRY(main_, Worker::make(env_, options_, std::move(plan), office_));
    Services& services = main_->services();
    log_.emplace(env_, services.board, *membership_, options_.state, options_.cadence);
    leases_.emplace(env_, services.board, services.peers, options_.state + "/leases", options_.leases);
    ControlLink::Hooks hooks{[this](std::shared_ptr<const Law> law) { adopt(std::move(law)); },
                             [this](bool reached) { control_is(reached); }, [this] { return totals(); }};
    control_.emplace(services, *membership_, std::move(hooks));
    reception_.emplace(env_);
    tasks_.emplace(env_.executor());
    office_ = {reception_->door(), &services, &*control_, &*log_, &*leases_};
    if (auto books = leases_->open(); !books.ok()) {
      env_.log().fail("lease_books_unreadable", {{"why", books.error().message}});
    }
    return {};
  }

  // The other workers: returns when all of them know each other, or one could not begin.
  io::Task<void> hire(io::Address public_at) {
    for (std::uint32_t number = 1; number < options_.workers; ++number) {
      Worker::Plan plan{number, epoch_, badge_of(*membership_), {}, {}, {}};
      ++working_;
      env_.add_worker([this, door = office_.door, office = office_, plan = std::move(plan), public_at,
                       options = options_](io::Env& env) {
        return work(env, options, office, Hired{this, door}, plan, public_at);
      });
    }
    while (exit_code_ == 0 && others_.size() + 1 < options_.workers) co_await come_.wait();
    if (exit_code_ != 0) co_return;
    Crew crew{{main_->door(), &main_->services()}};
    for (const auto& [number, other] : others_) crew.push_back(other.colleague);
    for (const auto& [number, other] : others_) {
      other.colleague.door.tell([worker = other.worker, crew] { worker->meet(crew); });
    }
    main_->meet(std::move(crew));
  }

  struct Hired {
    Process* process;  // touched through the door only
    io::Door door;
  };
  // The life of another worker, on its own thread, with copies of its own: it may outlive the process's main part.
  static io::Task<void> work(io::Env& env, GatewayOptions options, Office office, Hired by, Worker::Plan plan,
                             io::Address public_at) {
    const std::uint32_t number = plan.number;
    plan.report = [by, number](WorkerReport report) {
      by.door.tell([process = by.process, number, report] { process->reported(number, report); });
    };
    const auto failed = [by](const Error& error) {
      by.door.tell([process = by.process, error] { process->failed(error); });
    };
    plan.failed = failed;
    auto worker = Worker::make(env, options, std::move(plan), office);
    if (!worker.ok()) {
      failed(worker.error());
      co_return;
    }
    by.door.tell([process = by.process, number, worker = worker->get(),
                  colleague = Colleague{(*worker)->door(), &(*worker)->services()}] {
      process->arrived(number, worker, colleague);
    });
    co_await (*worker)->met();
    Worker::Listen listen = [&env, &public_at] {
      const io::ListenOptions shared{.share_port = true};
      return env.listen(public_at, shared);
    };
    Worker::Barrier barrier = [&by, waiting = worker->get()] {
      by.door.tell([process = by.process] { process->drained(); });
      return waiting->dismissed();
    };
    co_await (*worker)->run(std::move(listen), std::move(barrier));
    (*worker)->end();
    by.door.tell([process = by.process] { process->ended(); });
    io::Event never(env.executor());
    co_await never.wait();  // letters to it come until the process ends
  }

  // The main worker's barrier: all have drained, and know it.
  io::Task<void> wait_drained() {
    while (drained_ < others_.size()) co_await come_.wait();
    tell_others([](Worker& worker) { worker.dismiss(); });
  }

  void spawn_tasks(std::unique_ptr<io::Listener> inner_listener) {
    Services& services = main_->services();
    tasks_->spawn(services.inner.run(std::move(inner_listener)));
    tasks_->spawn(control_->run());
    tasks_->spawn(
        io::keep_renewed(env_, *membership_, [this](std::string csr) { return control_->renew(std::move(csr)); }));
    tasks_->spawn(serve_ops());
    tasks_->spawn(look_after());
    tasks_->spawn(state_distances(services));
    tasks_->spawn(
        log_->show([this](std::string body) { return control_->exchange("/inner/audit", std::move(body), {}); }));
  }

  template <class F>
  void tell_others(const F& what) {
    for (const auto& [number, other] : others_) {
      other.colleague.door.tell([worker = other.worker, what] { what(*worker); });
    }
  }

  void adopt(std::shared_ptr<const Law> law) {
    tell_others([law](Worker& worker) { worker.adopt(law); });
    main_->adopt(std::move(law));
    begin_log();
  }

  // Once there is a law; again where the disk did not let it.
  void begin_log() {
    if (log_->begun()) return;
    if (auto begun = log_->law_changed(); !begun.ok()) {
      env_.log().fail("audit_log_unusable", {{"why", begun.error().message}});
    }
    if (!log_->begun()) return;
    tell_others([](Worker& worker) { worker.services().audit.log_begun(); });
    main_->services().audit.log_begun();
  }

  void control_is(bool reached) {
    tell_others([reached](Worker& worker) { worker.services().ledger.control_is(reached); });
    main_->services().ledger.control_is(reached);
  }

  void renewed() {
    const Badge badge = badge_of(*membership_);
    tell_others([badge](Worker& worker) { worker.wear(badge); });
    main_->wear(badge);
  }

  void stop_all() {
    tell_others([](Worker& worker) { worker.services().env.stop_requested().set(); });
    env_.stop_requested().set();
  }

  ControlLink::Totals totals() const {
    const WorkerReport own = main_->report();
    ControlLink::Totals out{own.bundle_version, own.meters.records_written, own.records_error};
    for (const auto& [number, other] : others_) {
      out.bundle_version = std::min(out.bundle_version, other.report.bundle_version);
      out.requests += other.report.meters.records_written;
      if (out.records_error.empty()) out.records_error = other.report.records_error;
    }
    return out;
  }

  static io::Task<Result<WorkerReport>> report_of(const Worker& worker) { co_return worker.report(); }

  io::Task<void> refresh() {
    for (std::uint32_t number = 1; number < options_.workers; ++number) {
      const Other& other = others_.at(number);
      std::function<io::Task<Result<WorkerReport>>()> ask = [worker = other.worker] { return report_of(*worker); };
      auto report = co_await other.colleague.door.ask(env_, std::move(ask));
      if (report.ok()) reported(number, std::move(*report));
    }
  }

  std::string metrics() const {
    ProcessMeters out{main_->report().meters, totals().bundle_version, options_.workers, log_->not_witnessed()};
    for (const auto& [number, other] : others_) out.all += other.report.meters;
    return out.text();
  }

  io::Task<void> serve_ops() {
    io::OpsCallbacks callbacks;
    callbacks.ready = [this] { return ready(); };
    callbacks.metrics = [this] { return metrics(); };
    callbacks.refresh = [this] { return refresh(); };
    auto served = co_await io::run_ops(env_, options_.ops, std::move(callbacks));
    if (!served.ok()) env_.log().fail("ops_listener_failed", {{"why", served.error().message}});
  }

  // What a full disk did not take goes to it when there is room: a bundle, the log's beginning.
  io::Task<void> look_after() {
    for (;;) {
      co_await env_.sleep_for(options_.cadence.status_every);
      control_->save_held();
      begin_log();
    }
  }

  // Can a request really be routed from here now?
  Result<void> ready() const {
    const Services& services = main_->services();
    if (!services.board.loaded()) return unavailable("no bundle yet: control has not been reached since the join");
    if (auto trouble = main_->trouble(); !trouble.empty()) return unavailable(std::move(trouble));
    for (const auto& [number, other] : others_) {
      const std::string& trouble = other.report.trouble;
      if (!trouble.empty()) return unavailable("worker " + std::to_string(number) + ": " + trouble);
    }
    return routing::any_site_ready(services.board.snapshot(), env_.now());
  }

  io::Env& env_;
  const GatewayOptions& options_;
  std::unique_ptr<io::Membership> membership_;
  const std::uint64_t epoch_;
  io::Event come_;
  int exit_code_ = 0;
  std::uint32_t working_ = 0;  // of the others
  std::size_t drained_ = 0;    // of the others
  std::map<std::uint32_t, Other> others_;
  Office office_{};  // whole when begin() has returned
  std::unique_ptr<Worker> main_;
  std::optional<AuditLog> log_;
  std::optional<LeaseHome> leases_;
  std::optional<ControlLink> control_;
  std::optional<io::Reception> reception_;
  std::optional<io::TaskGroup> tasks_;
};

}  // namespace

io::Task<int> run_gateway(io::Env& env, GatewayOptions options) {
  const auto failed = [&env](const char* event, const Error& error) {
    env.log().fail(event, {{"why", error.message}});
    return 1;
  };
  if (options.workers > 1 && options.public_address.starts_with("unix:")) {
    co_return failed("public_listener_failed",
                     invalid("public address " + options.public_address + " with " + std::to_string(options.workers) +
                             " workers: only a TCP port can be shared; give one, or --workers 1"));
  }
  auto made = env.files().make_folders(options.state);
  if (!made.ok()) co_return failed("state_unusable", made.error());
  auto wrap = io::web_wrap(env, "public", options.public_address, options.public_tls);
  if (!wrap.ok()) co_return failed("public_tls_unusable", wrap.error());
  const io::ListenOptions public_port{.share_port = options.share_public_port || options.workers > 1};
  auto public_listener = env.listen(options.public_address, public_port);
  if (!public_listener.ok()) co_return failed("public_listener_failed", public_listener.error());
  auto inner_listener = env.listen(options.inner, {});
  if (!inner_listener.ok()) co_return failed("inner_listener_failed", inner_listener.error());
  io::JoinOptions joining = join_options(options, (*public_listener)->address(), (*inner_listener)->address());
  auto identity = co_await io::load_or_join(env, options.state, std::move(joining));
  if (!identity.ok()) co_return failed("join_failed", identity.error());
  auto membership = io::Membership::make(env, options.state, std::move(*identity));
  if (!membership.ok()) co_return failed("identity_unusable", membership.error());
  // A gateway is who its certificate says; a name given by hand only asks for one.
  options.name = (*membership)->name().id;
  auto epoch = io::raise_epoch(env.files(), options.state + "/epoch", env.wall());
  if (!epoch.ok()) co_return failed("state_unusable", epoch.error());
  Process process(env, options, std::move(*membership), *epoch);
  co_return co_await process.run(std::move(*public_listener), std::move(*inner_listener));
}

}  // namespace aigrid::gateway
