#include "app/gateway/gateway.h"

#include <memory>
#include <utility>

#include "app/gateway/control_link.h"
#include "app/gateway/distances.h"
#include "app/gateway/inner_server.h"
#include "app/gateway/public_api.h"
#include "app/gateway/quotas.h"
#include "app/gateway/relays.h"
#include "app/gateway/services.h"
#include "core/routing/readiness.h"
#include "io/client/join.h"
#include "io/client/ops_server.h"
#include "io/client/renewal.h"
#include "io/http/web.h"

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
  return join;
}

// Everything of one gateway, built bottom up; destroyed in reverse.
class Process {
 public:
  Process(io::Env& env, const GatewayOptions& options, io::WrapFn public_wrap,
          std::unique_ptr<io::Membership> membership, std::unique_ptr<LedgerSpool> ledger)
      : env_(env),
        options_(options),
        public_wrap_(std::move(public_wrap)),
        membership_(std::move(membership)),
        ledger_(std::move(ledger)),
        board_(options.name),
        queues_(env, board_, options.queue),
        agents_(env, board_, [this] { control_.status_changed(); }),
        slots_(env, board_, queues_, peers_, {options.name, 0}, options.cadence.slot_retry),
        peers_(env, board_, *membership_, options.cadence,
               [this](std::shared_ptr<io::H2Stream> s) { return inner_.serve_peer(std::move(s)); },
               {[this] { slots_.siblings_changed(); },
                [this](const std::string& gateway, const inner::SiteReport& report) {
                  slots_.sibling_reported(gateway, report);
                }}),
        relays_(env, board_, peers_, *membership_, options.cadence),
        quotas_(env, board_, peers_, options.leases, options.state + "/leases"),
        audit_(env, board_, *membership_, options.state, options.cadence),
        services_{env, options, board_, queues_, slots_, agents_, peers_, relays_, *ledger_, audit_, meters_, quotas_},
        control_(services_, *membership_),
        inner_(services_, *membership_, control_),
        public_(services_),
        limits_(public_.limits()),
        connections_(env.executor()),
        tasks_(env.executor()) {
    queues_.owned([this](const std::string& deployment) { return slots_.owns(deployment); });
    board_.on_change([this] { queues_.rows_changed(); });
  }
  // What peers ask of us on connections that we dialled uses all that is built above them.
  ~Process() { peers_.leave_all(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  io::Task<int> run(std::unique_ptr<io::Listener> public_listener, std::unique_ptr<io::Listener> inner_listener) {
    public_listener_ = std::move(public_listener);  // its accepting task ends after this frame
    auto held = control_.load_held();
    if (held.ok()) {
      bundle_changed();
    } else if (held.error().code != Code::NotFound) {
      env_.log().fail("held_bundle_refused", {{"why", held.error().message}});
    }
    control_.on_bundle([this] { bundle_changed(); });
    tasks_.spawn(inner_.run(std::move(inner_listener)));
    tasks_.spawn(control_.run());
    tasks_.spawn(relays_.run());
    tasks_.spawn(
        io::keep_renewed(env_, *membership_, [this](std::string csr) { return control_.renew(std::move(csr)); }));
    tasks_.spawn(serve_public(*public_listener_));
    tasks_.spawn(serve_ops());
    tasks_.spawn(settle_ledger());
    tasks_.spawn(audit_.run());
    tasks_.spawn(state_distances(services_));
    tasks_.spawn(
        audit_.show([this](std::string body) { return control_.exchange("/inner/audit", std::move(body), {}); }));
    if (auto books = quotas_.open(ledger_->epoch()); !books.ok()) {
      env_.log().fail("lease_books_unreadable", {{"why", books.error().message}});
    }
    tasks_.spawn(quotas_.run());
    env_.log().note("gateway_started",
                    {{"name", options_.name}, {"public", public_listener_->address()}, {"epoch", ledger_->epoch()}});
    co_await env_.stop_requested().wait();
    public_listener_->close();
    const Time until = env_.now() + options_.cadence.drain_within;
    while (meters_.requests_open + meters_.attempts_hosted > 0 && env_.now() < until)
      co_await env_.sleep_for(options_.cadence.drain_look);
    co_await stop_rest();
    (void)ledger_->settle().ok();
    if (ledger_->written() > 0) (void)co_await ledger_->spool().durable(ledger_->spool().next_sequence() - 1);
    co_await audit_.settle();
    env_.log().note("gateway_stopped");
    co_return 0;
  }

 private:
  void bundle_changed() {
    if (auto begun = audit_.law_changed(); !begun.ok()) {
      env_.log().fail("audit_log_unusable", {{"why", begun.error().message}});
    }
    agents_.bundle_changed();
    peers_.reconcile();
    inner_.reconcile();
    public_.law_changed();
  }

  // What the drain left: it is told, and whoever does not take that leaves its record all the same.
  io::Task<void> stop_rest() {
    public_.stop();
    const Time until = env_.now() + options_.cadence.stop_within;
    while (meters_.requests_open > 0 && env_.now() < until) co_await env_.sleep_for(options_.cadence.drain_look);
    connections_.cancel();
  }

  io::Task<void> serve_public(io::Listener& listener) {
    io::ServeFn serve = [this](io::Exchange& exchange) { return public_.serve(exchange); };
    co_await io::serve_listener(env_, listener, connections_, limits_, std::move(serve), public_wrap_);
  }

  io::Task<void> serve_ops() {
    io::OpsCallbacks callbacks;
    callbacks.ready = [this] { return ready(); };
    callbacks.metrics = [this] { return meters_.text(board_, ledger_->spool().backlog(), queues_.waiting()); };
    auto served = co_await io::run_ops(env_, options_.ops, std::move(callbacks));
    if (!served.ok()) env_.log().fail("ops_listener_failed", {{"why", served.error().message}});
  }

  // Records that a full disk keeps in memory go to it when there is room, whether or not requests come; so does the
  // bundle.
  io::Task<void> settle_ledger() {
    for (;;) {
      co_await env_.sleep_for(options_.cadence.status_every);
      (void)ledger_->settle().ok();
      meters_.records_homeless = ledger_->homeless();
      control_.save_held();
      // What a law permits until now and no longer ends here for streams that run, too.
      const auto law = board_.current();
      board_.renew(unix_seconds(env_.wall()));
      if (law != board_.current()) public_.law_changed();
    }
  }

  // Can a request really be routed from here now?
  Result<void> ready() const {
    if (!board_.loaded()) return unavailable("no bundle yet: control has not been reached since the join");
    if (ledger_->full()) return unavailable("the disk is full: no more records can be kept");
    if (!audit_.open()) return unavailable("the audit log cannot be written: the log of this process says why");
    return routing::any_site_ready(board_.snapshot(), env_.now());
  }

  io::Env& env_;
  const GatewayOptions& options_;
  io::WrapFn public_wrap_;
  std::unique_ptr<io::Membership> membership_;
  std::unique_ptr<LedgerSpool> ledger_;
  Meters meters_;
  Board board_;
  Queues queues_;
  Agents agents_;
  Slots slots_;  // before the peers: what they have us host gives its slots back as their connections go
  Peers peers_;
  Relays relays_;
  Quotas quotas_;
  AuditLog audit_;
  Services services_;
  ControlLink control_;
  InnerServer inner_;
  PublicApi public_;
  io::ServerLimits limits_;
  std::unique_ptr<io::Listener> public_listener_;
  io::TaskGroup connections_;
  io::TaskGroup tasks_;
};

}  // namespace

io::Task<int> run_gateway(io::Env& env, GatewayOptions options) {
  const auto failed = [&env](const char* event, const Error& error) {
    env.log().fail(event, {{"why", error.message}});
    return 1;
  };
  auto made = env.files().make_folders(options.state);
  if (!made.ok()) co_return failed("state_unusable", made.error());
  auto wrap = io::web_wrap(env, "public", options.public_address, options.public_tls);
  if (!wrap.ok()) co_return failed("public_tls_unusable", wrap.error());
  const io::ListenOptions public_port{.share_port = options.share_public_port};
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
  auto ledger = LedgerSpool::open(env, options.state, options.name, options.cadence.records.most_homeless);
  if (!ledger.ok()) co_return failed("spool_unusable", ledger.error());
  Process process(env, options, std::move(*wrap), std::move(*membership), std::move(*ledger));
  co_return co_await process.run(std::move(*public_listener), std::move(*inner_listener));
}

}  // namespace aigrid::gateway
