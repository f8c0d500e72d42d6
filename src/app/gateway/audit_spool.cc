#include "app/gateway/audit_spool.h"

#include <algorithm>
#include <utility>

#include "app/gateway/worker_spools.h"
#include "base/crypto/encode.h"
#include "core/audit/leaf.h"
#include "core/audit/tree.h"

namespace aigrid::gateway {

namespace {

// What a judge needs of a bundle: neither keys nor agents.
bundle::Held lawful(const bundle::Held& held) {
  bundle::Held out{held.manifest, held.parsed, {}};
  for (const auto& [name, text] : held.sections) {
    if (!name.starts_with("keys/") && !name.starts_with("agent")) out.sections[name] = text;
  }
  return out;
}

// Texts of others that made the leaf too long.
void shorten(grid::AuditLeaf& leaf) {
  constexpr std::size_t kMostNames = 256;
  constexpr std::size_t kMostText = 64;
  auto* request = std::get_if<grid::RequestLeaf>(&leaf.body);
  if (request == nullptr) return;
  for (auto* names : {&request->zones, &request->regimes}) {
    names->resize(std::min(names->size(), kMostNames));
    for (auto& name : *names) name.resize(std::min(name.size(), kMostText));
  }
  for (auto& attempt : request->attempts) attempt.result.resize(std::min(attempt.result.size(), kMostText));
  request->model.resize(std::min(request->model.size(), kMostText));
}

}  // namespace

std::string audit_log_name(const Board& board) {
  return board.tables().sites[board.here()].spec.jurisdiction + "." + board.gateway();
}

std::string audit_folder(const std::string& state, const std::string& log) { return state + "/audit/" + log; }

std::string audit_bundle_path(const std::string& folder, const std::string& hash) {
  return folder + "/bundles/" + crypto::hex(hash);
}

AuditSpool::AuditSpool(io::Env& env, const Board& board, const Badge& badge, std::string state, std::uint32_t worker,
                       std::uint32_t workers, const dispatch::Cadence& cadence, Take take)
    : env_(env),
      board_(board),
      badge_(badge),
      state_(std::move(state)),
      worker_(worker),
      workers_(workers),
      cadence_(cadence),
      take_(std::move(take)),
      wanted_(env.executor()) {}

Result<void> AuditSpool::law_changed() {
  if (!name_.empty() || !board_.loaded()) return {};
  return begin();
}

Result<void> AuditSpool::begin() {
  const std::string name = audit_log_name(board_);
  folder_ = audit_folder(state_, name);
  AIGRID_CHECK_OK(env_.files().make_folders(folder_ + "/bundles"));
  AIGRID_TRY(const auto kept, env_.files().list(folder_ + "/bundles"));
  for (const auto& hash : kept) {
    if (auto bytes = crypto::from_hex(hash); bytes.ok()) kept_.insert(std::move(*bytes));
  }
  AIGRID_TRY(spool_, io::Spool::open(env_, spool_path(folder_, worker_)));
  AIGRID_TRY(left_, left_spools(env_, folder_, worker_, workers_));
  name_ = name;
  wanted_.set();
  return {};
}

std::string AuditSpool::receipt(const std::string& request_id) const {
  const auto named = audit::receipt_of(name_, request_id);
  return named.ok() && !name_.empty() ? audit::format_receipt(*named) : std::string();
}

void AuditSpool::keep(const Generations& under) {
  for (const auto& generation : under) {
    if (kept_.contains(generation->bundle_hash)) continue;
    auto saved = env_.files().replace(audit_bundle_path(folder_, generation->bundle_hash),
                                      bundle::encode(lawful(*generation->held)));
    if (saved.ok()) {
      kept_.insert(generation->bundle_hash);
    } else {
      env_.log().warn("audit_bundle_not_kept", {{"why", saved.error().message}});
    }
  }
}

void AuditSpool::append(grid::AuditLeaf leaf, const Generations& under) {
  if (name_.empty()) return;
  keep(under);
  std::string& previous = previous_[leaf.source];
  leaf.previous = previous;
  auto bytes = audit::encode(leaf);
  if (!bytes.ok()) {
    shorten(leaf);
    bytes = audit::encode(leaf);
  }
  if (!bytes.ok()) {
    ++lost_;
    env_.log().fail("audit_leaf_lost", {{"source", leaf.source}, {"why", bytes.error().message}});
    return;
  }
  ++leaves_;
  previous = crypto::bytes(audit::leaf_hash(*bytes));
  homeless_.push_back(std::move(*bytes));
  write_homeless();
}

// As far as there is room; what is in memory keeps its order.
void AuditSpool::write_homeless() {
  while (!homeless_.empty() && spool_->append(homeless_.front()).ok()) homeless_.pop_front();
}

io::Task<Result<void>> AuditSpool::take_next(io::Spool& spool) {
  const auto& most = cadence_.audit;
  auto entries = spool.read(most.most, most.most_bytes);
  if (!entries.ok()) co_return std::move(entries).error();
  if (entries->empty()) co_return Result<void>();
  std::vector<std::string> leaves;
  for (auto& entry : *entries) leaves.push_back(std::move(entry.bytes));
  auto taken = co_await take_(std::move(leaves));
  if (!taken.ok()) {
    spool.rewind();
    co_return taken;
  }
  co_return spool.ack(entries->back().sequence);
}

// All that is durable in it goes to the log.
io::Task<void> AuditSpool::empty(io::Spool& spool) {
  for (;;) {
    const std::uint64_t before = spool.acked_sequence();
    auto taken = co_await take_next(spool);
    if (!taken.ok()) env_.log().warn("audit_log_behind", {{"why", taken.error().message}});
    const bool more = spool.acked_sequence() < spool.durable_sequence();
    if (!taken.ok() || spool.acked_sequence() == before || !more) co_return;
  }
}

io::Task<void> AuditSpool::run() {
  while (name_.empty()) co_await wanted_.wait();
  auto tick = env_.timer([this] { wanted_.set(); });
  for (;;) {
    write_homeless();
    co_await empty(*spool_);
    for (const auto& spool : left_) co_await empty(*spool);
    tick->arm(env_.now() + cadence_.audit.take_every);
    co_await wanted_.wait();
  }
}

std::uint64_t AuditSpool::behind() const {
  std::uint64_t n = homeless_.size() + (spool_ ? spool_->backlog() : 0);
  for (const auto& spool : left_) n += spool->backlog();
  return n;
}

io::Task<bool> AuditSpool::flushed() {
  if (name_.empty()) co_return false;
  const std::uint64_t target = spool_->next_sequence() - 1;
  const auto there = [this, target] {
    return spool_->acked_sequence() >= target &&
           std::all_of(left_.begin(), left_.end(), [](const auto& spool) { return spool->backlog() == 0; });
  };
  const Time until = env_.now() + cadence_.audit.prove_within;
  while (!there() && env_.now() < until) {
    wanted_.set();
    co_await env_.sleep_for(cadence_.audit.prove_look);
  }
  co_return there();
}

io::Task<void> AuditSpool::settle() {
  if (spool_ && spool_->next_sequence() > 1) (void)co_await spool_->durable(spool_->next_sequence() - 1);
}

}  // namespace aigrid::gateway
