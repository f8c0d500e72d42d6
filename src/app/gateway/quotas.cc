#include "app/gateway/quotas.h"

#include <utility>

#include "app/gateway/lease_home.h"
#include "format/inner/leases.h"

namespace aigrid::gateway {

namespace {

// A question under way, whose task may end (its client left) before the answer comes.
class Asking {
 public:
  explicit Asking(std::shared_ptr<admission::LeaseHolder> holder) : holder_(std::move(holder)) {}
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() {
    if (holder_) holder_->on_no_answer();
  }
  void answered(const grid::LeaseAnswer& answer, Time asked_at, Time now) {
    std::exchange(holder_, nullptr)->on_answer(answer, asked_at, now);
  }

 private:
  std::shared_ptr<admission::LeaseHolder> holder_;
};

}  // namespace

Quotas::Reservation& Quotas::Reservation::operator=(Reservation&& other) noexcept {
  settle({});
  taken_ = std::exchange(other.taken_, {});
  return *this;
}

void Quotas::Reservation::lower(const admission::Need& most) {
  for (auto& taken : taken_) taken.need = taken.from->lower(taken.need, most);
}

void Quotas::Reservation::settle(const admission::Need& used) {
  for (const auto& taken : std::exchange(taken_, {})) taken.from->settle(taken.need, used);
}

Quotas::Quotas(io::Env& env, const Board& board, Peers& peers, const admission::LeaseTimes& times, const Office& office,
               Borrower borrower)
    : env_(env),
      board_(board),
      peers_(peers),
      times_(times),
      office_(office),
      homes_(board, peers),
      holder_(std::move(borrower.name)),
      epoch_(borrower.epoch),
      main_(borrower.main) {}

std::vector<Quotas::Scope> Quotas::scopes_of(const Caller& caller) const {
  std::vector<Scope> out;
  const auto add = [&out](std::string name, const grid::Limits& limits) {
    if (!limits.empty()) out.push_back({std::move(name), limits});
  };
  if (!board_.loaded()) return out;
  const auto& tables = board_.tables();
  if (const auto* key = board_.keys().find(caller.key_id)) add("key/" + caller.key_id, key->limits);
  if (const auto* project = tables.find_project(caller.project)) add("project/" + caller.project, project->limits);
  if (const auto tenant = tables.find_tenant(caller.tenant)) {
    add("tenant/" + caller.tenant, tables.tenants[*tenant].spec.limits);
  }
  return out;
}

Quotas::Borrowed& Quotas::borrowed(const Scope& scope, const std::string& tenant) {
  auto& from = borrowed_[scope.name];
  if (!from.holder) {
    from.holder = std::make_shared<admission::LeaseHolder>(scope.name, holder_, epoch_, times_);
    from.turns = std::make_unique<io::Turns>(env_.executor());
  }
  from.tenant = tenant;
  from.holder->set_limits(scope.limits);
  return from;
}

io::Task<Quotas::Answer> Quotas::reserve(Caller caller, admission::Need need) {
  const std::vector<Scope> scopes = scopes_of(caller);
  std::string unread;
  for (std::uint32_t round = 0; round < times_.rounds; ++round) {
    Reservation taken;
    const Scope* lacking = nullptr;
    for (const auto& scope : scopes) {
      const auto holder = borrowed(scope, caller.tenant).holder;
      const admission::Need part = need.within(scope.limits);
      if (!holder->reserve(part, env_.now())) {
        lacking = &scope;
        break;
      }
      taken.taken_.push_back({holder, part});
    }
    if (lacking == nullptr) co_return taken;
    for (const auto& back : std::exchange(taken.taken_, {})) back.from->undo(back.need);
    const admission::Need part = need.within(lacking->limits);
    const auto answer = co_await refill(borrowed(*lacking, caller.tenant), part);
    if (answer && !answer->granted) {
      co_return tl::unexpected(admission::refusal(lacking->name, lacking->limits, *answer, part));
    }
    if (!answer) unread = lacking->name;
  }
  if (unread.empty()) unread = scopes.back().name;
  co_return tl::unexpected(admission::unreadable(unread, times_));
}

io::Task<std::optional<grid::LeaseAnswer>> Quotas::refill(Borrowed& from, std::optional<admission::Need> need) {
  io::Turns::Turn turn(*from.turns);
  co_await turn.mine();
  const auto holder = from.holder;
  if (need && holder->reserve(*need, env_.now())) {  // who was before us has borrowed enough
    holder->undo(*need);
    grid::LeaseAnswer enough;
    enough.granted = true;
    co_return enough;
  }
  const Time asked_at = env_.now();
  grid::LeaseAsk question =
      holder->ask(need ? &*need : nullptr, homes_.holders(from.tenant));
  question.tenant = from.tenant;
  Asking asking(holder);
  auto answer = co_await ask(std::move(question));
  if (!answer.ok()) {
    env_.log().warn("lease_not_answered", {{"scope", holder->scope()}, {"why", answer.error().message}});
    co_return std::nullopt;
  }
  asking.answered(*answer, asked_at, env_.now());
  co_return *answer;
}

io::Task<Result<grid::LeaseAnswer>> Quotas::ask(grid::LeaseAsk question) {
  const std::string home = homes_.of(question.scope, question.tenant).home;
  if (home == board_.gateway()) {
    if (main_) co_return co_await office_.leases->act(std::move(question));
    // The main worker sees for itself who is home, and asks: it may reach another gateway that we do not.
    std::function<io::Task<Result<grid::LeaseAnswer>>()> act = [main = office_.services, question] {
      return main->quotas.ask(question);
    };
    co_return co_await office_.door.ask(env_, std::move(act));
  }
  std::string body = inner::encode(question);
  auto answer = co_await ask_gateway(env_, peers_, home, "/inner/lease", std::move(body), times_.answer_within);
  if (!answer.ok()) co_return std::move(answer).error();
  co_return inner::decode_lease_answer(*answer);
}

io::Task<void> Quotas::run() {
  io::TaskGroup reports(env_.executor());
  for (;;) {
    co_await env_.sleep_for(times_.report_every);
    if (!board_.loaded()) continue;
    for (const auto& [scope, from] : borrowed_) {
      if (from.holder->due(env_.now()) && reporting_.insert(scope).second) reports.spawn(report(scope));
    }
  }
}

io::Task<void> Quotas::report(std::string scope) {
  (void)co_await refill(borrowed_[scope], std::nullopt);
  reporting_.erase(scope);
}

void Quotas::add_headers(const Caller& caller, http::Headers& headers) const {
  std::vector<admission::QuotaView> views;
  for (const auto& scope : scopes_of(caller)) {
    const auto found = borrowed_.find(scope.name);
    if (found != borrowed_.end()) views.push_back(found->second.holder->view(env_.now()));
  }
  for (auto& [name, value] : admission::headers(views)) headers.set(name, value);
}

}  // namespace aigrid::gateway
