#include "app/gateway/audit_log.h"

#include <utility>

#include "app/audit/export.h"
#include "app/gateway/audit_spool.h"
#include "base/crypto/encode.h"
#include "io/env/seed.h"

namespace aigrid::gateway {

AuditLog::AuditLog(io::Env& env, const Board& board, const io::Membership& membership, std::string state,
                   const dispatch::Cadence& cadence)
    : env_(env), board_(board), membership_(membership), state_(std::move(state)), cadence_(cadence) {}

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
  const std::string name = audit_log_name(board_);
  folder_ = audit_folder(state_, name);
  AIGRID_CHECK_OK(env_.files().make_folders(folder_ + "/bundles"));
  AIGRID_TRY(auto key, load_or_make_key());
  AIGRID_TRY(auto database, io::Database::open(env_.files(), folder_ + "/log.db", random_seed(env_), env_.wall()));
  log_ = std::make_shared<audit::Log>(membership_.name().grid + "/" + name, std::move(key));
  AIGRID_CHECK_OK(log_->open(*database));
  door_ = std::make_unique<io::DatabaseDoor>(env_, std::move(database));
  name_ = name;
  return {};
}

io::Task<Result<void>> AuditLog::take(std::vector<std::string> leaves) {
  if (!door_) co_return unavailable("this gateway's audit log has not begun");
  std::function<Result<void>(io::Database&)> take = [log = log_, leaves = std::move(leaves),
                                                     now = unix_ms(env_.wall())](io::Database& db) -> Result<void> {
    AIGRID_TRY([[maybe_unused]] const auto taken, log->take(db, leaves, now));
    return log->checkpoint(db, now);
  };
  co_return co_await door_->run(std::move(take));
}

Result<audit::Pass> AuditLog::reader(std::string_view pass) const {
  const auto& own = membership_.identity();
  return audit::open_pass(pass, membership_.name().grid, own.bundle_key, unix_seconds(env_.wall()));
}

io::Task<Result<audit::Proven>> AuditLog::prove(grid::Receipt receipt) {
  if (!door_) co_return unavailable("this gateway's audit log has not begun: try again");
  std::function<Result<audit::Proven>(io::Database&)> find = [log = log_, receipt](io::Database& db) {
    return log->prove(db, receipt.source, receipt.epoch, receipt.sequence);
  };
  co_return co_await door_->run(std::move(find));
}

io::Task<Result<std::string>> AuditLog::part(std::string which) {
  constexpr std::string_view kBundles = "bundles/";
  if (!door_) co_return unavailable("this gateway's audit log has not begun: try again");
  if (which.starts_with(kBundles)) {
    auto hash = crypto::from_hex(which.substr(kBundles.size()));
    if (!hash.ok()) co_return std::move(hash).error();
    co_return env_.files().read_all(audit_bundle_path(folder_, *hash));
  }
  std::function<Result<std::string>(io::Database&)> read = [log = log_, which = std::move(which)](io::Database& db) {
    return audit::export_part(db, *log, which);
  };
  co_return co_await door_->run(std::move(read));
}

}  // namespace aigrid::gateway
