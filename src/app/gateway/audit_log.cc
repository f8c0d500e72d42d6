#include "app/gateway/audit_log.h"

#include <algorithm>
#include <utility>

#include "app/audit/export.h"
#include "base/crypto/encode.h"
#include "core/audit/leaf.h"
#include "io/env/seed.h"

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

AuditLog::AuditLog(io::Env& env, const Board& board, const io::Membership& membership, std::string state,
                   const dispatch::Cadence& cadence)
    : env_(env),
      board_(board),
      membership_(membership),
      state_(std::move(state)),
      cadence_(cadence),
      wanted_(env.executor()) {}

Result<void> AuditLog::law_changed() {
  if (!name_.empty() || !board_.loaded()) return {};
  return begin();
}

Result<crypto::SigningKey> AuditLog::load_or_make_key() {
  const std::string path = folder_ + "/key";
  auto seed = env_.files().read_all(path);
  if (!seed.ok() && seed.error().code == Code::NotFound) {
    seed = std::string(32, '\0');
    env_.entropy(*seed);
    AIGRID_CHECK_OK(env_.files().replace(path, *seed));
  }
  if (!seed.ok()) return std::move(seed).error();
  return crypto::SigningKey::from_seed(*seed);
}

Result<void> AuditLog::begin() {
  const auto& site = board_.tables().sites[board_.here()].spec;
  const std::string name = site.jurisdiction + "." + board_.gateway();
  folder_ = state_ + "/audit/" + name;
  AIGRID_CHECK_OK(env_.files().make_folders(folder_ + "/bundles"));
  AIGRID_TRY(const auto kept, env_.files().list(folder_ + "/bundles"));
  for (const auto& hash : kept) {
    if (auto bytes = crypto::from_hex(hash); bytes.ok()) kept_.insert(std::move(*bytes));
  }
  AIGRID_TRY(auto key, load_or_make_key());
  AIGRID_TRY(auto database, io::Database::open(env_.files(), folder_ + "/log.db", random_seed(env_), env_.wall()));
  log_ = std::make_shared<audit::Log>(membership_.name().grid + "/" + name, std::move(key));
  AIGRID_CHECK_OK(log_->open(*database));
  AIGRID_TRY(spool_, io::Spool::open(env_, folder_ + "/spool"));
  door_ = std::make_unique<io::DatabaseDoor>(env_, std::move(database));
  name_ = name;
  wanted_.set();
  return {};
}

std::string AuditLog::receipt(const std::string& request_id) const {
  const auto named = audit::receipt_of(name_, request_id);
  return named.ok() && !name_.empty() ? audit::format_receipt(*named) : std::string();
}

const std::string& AuditLog::certificate() {
  const std::uint64_t now = membership_.renewals() + 1;
  if (std::exchange(certificate_of_, now) != now) {
    certificate_ = crypto::bytes(crypto::sha256(membership_.identity().chain));
  }
  return certificate_;
}

std::string AuditLog::bundle_path(const std::string& hash) const { return folder_ + "/bundles/" + crypto::hex(hash); }

void AuditLog::keep(const Generations& under) {
  for (const auto& generation : under) {
    if (kept_.contains(generation->bundle_hash)) continue;
    auto saved = env_.files().replace(bundle_path(generation->bundle_hash), bundle::encode(lawful(*generation->held)));
    if (saved.ok()) {
      kept_.insert(generation->bundle_hash);
    } else {
      env_.log().warn("audit_bundle_not_kept", {{"why", saved.error().message}});
    }
  }
}

void AuditLog::append(grid::AuditLeaf leaf, const Generations& under) {
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
  while (!homeless_.empty()) {
    auto written = spool_->append(homeless_.front());
    if (!written.ok()) return;  // there is no room; what is in memory keeps its order
    homeless_.pop_front();
  }
}

io::Task<Result<void>> AuditLog::take_next() {
  const auto& most = cadence_.audit;
  auto entries = spool_->read(most.most, most.most_bytes);
  if (!entries.ok()) co_return std::move(entries).error();
  if (entries->empty()) co_return Result<void>();
  std::vector<std::string> leaves;
  for (auto& entry : *entries) leaves.push_back(std::move(entry.bytes));
  std::function<Result<void>(io::Database&)> take = [log = log_, leaves = std::move(leaves),
                                                     now = unix_ms(env_.wall())](io::Database& db) -> Result<void> {
    AIGRID_TRY([[maybe_unused]] const auto taken, log->take(db, leaves, now));
    return log->checkpoint(db, now);
  };
  auto taken = co_await door_->run(std::move(take));
  if (!taken.ok()) {
    spool_->rewind();
    co_return std::move(taken).error();
  }
  co_return spool_->ack(entries->back().sequence);
}

io::Task<void> AuditLog::run() {
  while (!door_) co_await wanted_.wait();
  auto tick = env_.timer([this] { wanted_.set(); });
  for (;;) {
    while (!homeless_.empty() && spool_->append(homeless_.front()).ok()) homeless_.pop_front();
    const std::uint64_t before = spool_->acked_sequence();
    auto taken = co_await take_next();
    if (!taken.ok()) env_.log().warn("audit_log_behind", {{"why", taken.error().message}});
    if (taken.ok() && spool_->acked_sequence() > before && spool_->acked_sequence() < spool_->durable_sequence()) {
      continue;
    }
    tick->arm(env_.now() + cadence_.audit.take_every);
    co_await wanted_.wait();
  }
}

Result<audit::Pass> AuditLog::reader(std::string_view pass) const {
  const auto& own = membership_.identity();
  return audit::open_pass(pass, membership_.name().grid, own.bundle_key, unix_seconds(env_.wall()));
}

io::Task<bool> AuditLog::caught_up() {
  const std::uint64_t target = spool_->next_sequence() - 1;
  const Time until = env_.now() + cadence_.audit.prove_within;
  while (spool_->acked_sequence() < target && env_.now() < until) {
    wanted_.set();
    co_await env_.sleep_for(cadence_.audit.prove_look);
  }
  co_return spool_->acked_sequence() >= target;
}

io::Task<void> AuditLog::settle() {
  if (!door_) co_return;
  if (spool_->next_sequence() > 1) (void)co_await spool_->durable(spool_->next_sequence() - 1);
}

io::Task<Result<audit::Proven>> AuditLog::prove(grid::Receipt receipt) {
  if (!door_) co_return unavailable("this gateway's audit log has not begun: try again");
  const bool all = co_await caught_up();
  std::function<Result<audit::Proven>(io::Database&)> find = [log = log_, receipt](io::Database& db) {
    return log->prove(db, receipt.source, receipt.epoch, receipt.sequence);
  };
  auto proven = co_await door_->run(std::move(find));
  if (!proven.ok() && proven.error().code == Code::NotFound && !all) {
    co_return unavailable("this gateway's audit log is behind: try again");
  }
  co_return proven;
}

io::Task<Result<std::string>> AuditLog::part(std::string which) {
  constexpr std::string_view kBundles = "bundles/";
  if (!door_) co_return unavailable("this gateway's audit log has not begun: try again");
  if (which.starts_with(kBundles)) {
    auto hash = crypto::from_hex(which.substr(kBundles.size()));
    if (!hash.ok()) co_return std::move(hash).error();
    co_return env_.files().read_all(bundle_path(*hash));
  }
  if (which == "log") (void)co_await caught_up();  // all that is here now is in what the reader begins with
  std::function<Result<std::string>(io::Database&)> read = [log = log_, which = std::move(which)](io::Database& db) {
    return audit::export_part(db, *log, which);
  };
  co_return co_await door_->run(std::move(read));
}

}  // namespace aigrid::gateway
