#include "app/control/audit_log.h"

#include <utility>

#include "app/audit/export.h"
#include "core/audit/leaf.h"
#include "core/audit/pass.h"
#include "io/env/seed.h"

namespace aigrid::control {

namespace {

constexpr const char* kChanges = "configuration";  // its sequence: the revision
constexpr const char* kActs = "acts";
constexpr const char* kName = "/control";
constexpr std::size_t kMostText = 16'384;

Result<crypto::SigningKey> load_or_make_key(io::Env& env, const std::string& path) {
  auto seed = env.files().read_all(path);
  if (!seed.ok() && seed.error().code == Code::NotFound) {
    seed = std::string(32, '\0');
    env.entropy(*seed);
    AIGRID_CHECK_OK(env.files().replace(path, *seed));
  }
  if (!seed.ok()) return std::move(seed).error();
  return crypto::SigningKey::from_seed(*seed);
}

std::string cut(std::string text) {
  if (text.size() > kMostText) text.resize(kMostText);
  return text;
}

AdminAct act_of(const io::ResourceChange& change) {
  const auto& r = change.resource;
  AdminAct act;
  act.actor = r.changed_by;
  act.action = change.kind == io::ChangeKind::Deleted ? "delete" : "apply";
  act.object = r.kind + "/" + r.name;
  act.change = r.spec;
  return act;
}

Result<std::vector<AuditLog::Seen>> read_witnessed(io::Database& db) {
  AIGRID_TRY(auto row, db.prepare("SELECT gateway,key,size,root,note FROM audit_witness ORDER BY gateway"));
  std::vector<AuditLog::Seen> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.text(0), {row.text(1), row.number(2), row.text(3), row.text(4)}});
  }
}

Result<audit::Witnessed> witness_in(io::Database& db, const std::string& gateway, const audit::WitnessAsk& ask,
                                    const std::string& name, const crypto::SigningKey& key) {
  audit::Witnessed before;
  {
    AIGRID_TRY(auto row, db.prepare("SELECT key,size,root,note FROM audit_witness WHERE gateway=?"));
    AIGRID_TRY(const bool found, row.add(gateway).step());
    if (found) before = {row.text(0), row.number(1), row.text(2), row.text(3)};
  }
  AIGRID_TRY(auto after, audit::witness(before, ask, name, key));
  AIGRID_TRY(auto put, db.prepare("INSERT OR REPLACE INTO audit_witness VALUES(?,?,?,?,?)"));
  AIGRID_CHECK_OK(put.add(gateway).add(after.key).add(after.size).add_blob(after.root).add(after.note).run());
  return after;
}

}  // namespace

AuditLog::AuditLog(io::Env& env, const Authority& authority, std::uint64_t epoch, crypto::SigningKey key,
                   std::shared_ptr<io::Database> database)
    : env_(env),
      authority_(authority),
      epoch_(epoch),
      key_(std::move(key)),
      log_(std::make_shared<audit::Log>(authority.grid() + kName, key_)),
      door_(env, std::move(database)),
      turns_(env.executor()) {}

Result<std::unique_ptr<AuditLog>> AuditLog::open(io::Env& env, const std::string& state, const Authority& authority,
                                                 std::uint64_t epoch) {
  AIGRID_CHECK_OK(env.files().make_folders(state + "/audit"));
  AIGRID_TRY(auto key, load_or_make_key(env, state + "/audit/key"));
  AIGRID_TRY(auto opened, io::Database::open(env.files(), state + "/audit/log.db", io::random_seed(env), env.wall()));
  const std::shared_ptr<io::Database> database(std::move(opened));
  std::unique_ptr<AuditLog> out(new AuditLog(env, authority, epoch, std::move(key), database));
  AIGRID_CHECK_OK(out->begin(*database));
  return out;
}

Result<void> AuditLog::begin(io::Database& database) {
  AIGRID_CHECK_OK(log_->open(database));
  AIGRID_CHECK_OK(
      database.execute("CREATE TABLE IF NOT EXISTS audit_witness(gateway TEXT PRIMARY KEY, key TEXT NOT NULL,"
                       " size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL) WITHOUT ROWID;"));
  AIGRID_TRY(const auto newest, io::AuditTable(database).newest(kChanges, authority_.epoch()));
  if (newest) {
    followed_ = newest->sequence;
    previous_change_ = newest->hash;
  }
  return {};
}

grid::AuditLeaf AuditLog::leaf_of(AdminAct act, std::string source, std::uint64_t epoch, std::uint64_t sequence) {
  grid::AuditLeaf leaf;
  leaf.source = std::move(source);
  leaf.epoch = epoch;
  leaf.sequence = sequence;
  leaf.unix_ms = unix_ms(env_.wall());
  leaf.salt.resize(audit::kSaltBytes);
  env_.entropy(leaf.salt);
  leaf.body = grid::AdminLeaf{cut(std::move(act.actor)), std::move(act.action), cut(std::move(act.object)),
                              cut(std::move(act.change))};
  return leaf;
}

io::Task<Result<void>> AuditLog::take(std::vector<grid::AuditLeaf> leaves) {
  std::vector<std::string> encoded;
  std::string change = previous_change_;
  std::string act = previous_act_;
  for (auto& leaf : leaves) {
    std::string& previous = leaf.source == kChanges ? change : act;
    leaf.previous = previous;
    AIGRID_CO_TRY(std::string bytes, audit::encode(leaf));
    previous = crypto::bytes(audit::leaf_hash(bytes));
    encoded.push_back(std::move(bytes));
  }
  std::function<Result<void>(io::Database&)> store = [log = log_, encoded = std::move(encoded),
                                                      now = unix_ms(env_.wall())](io::Database& db) -> Result<void> {
    AIGRID_TRY([[maybe_unused]] const auto taken, log->take(db, encoded, now));
    return log->checkpoint(db, now);
  };
  auto stored = co_await door_.run(std::move(store));
  if (!stored.ok()) co_return std::move(stored).error();
  previous_change_ = change;
  previous_act_ = act;
  co_return Result<void>();
}

io::Task<Result<void>> AuditLog::take_changes(io::DatabaseDoor& door, std::size_t batch, bool& more) {
  more = false;
  std::function<Result<std::vector<io::ResourceChange>>(io::Database&)> read =
      [since = followed_, batch](io::Database& db) { return io::ResourceTable(db).changes(since, batch); };
  auto changes = co_await door.run(std::move(read));
  std::vector<grid::AuditLeaf> leaves;
  std::uint64_t upto = followed_;
  if (!changes.ok() && changes.error().code == Code::NotFound) {  // they are not kept for ever: that is said too
    std::function<Result<std::uint64_t>(io::Database&)> ask = [](io::Database& db) {
      return io::ResourceTable(db).revision();
    };
    auto revision = co_await door.run(std::move(ask));
    if (!revision.ok()) co_return std::move(revision).error();
    upto = *revision;
    leaves.push_back(
        leaf_of({"control", "gap", "configuration", changes.error().message}, kChanges, authority_.epoch(), upto));
  } else if (!changes.ok()) {
    co_return std::move(changes).error();
  } else {
    for (const auto& change : *changes) {
      upto = change.revision;
      leaves.push_back(leaf_of(act_of(change), kChanges, authority_.epoch(), change.revision));
    }
    more = changes->size() == batch;
  }
  if (leaves.empty()) co_return Result<void>();
  io::Turns::Turn turn(turns_);
  co_await turn.mine();
  auto taken = co_await take(std::move(leaves));
  if (taken.ok()) followed_ = upto;
  co_return taken;
}

io::Task<void> AuditLog::follow(Catalog& catalog, io::DatabaseDoor& door, std::size_t batch) {
  Catalog::Watch watch(catalog);
  for (;;) {
    bool more = true;
    while (more) {
      auto taken = co_await take_changes(door, batch, more);
      if (!taken.ok()) env_.log().fail("audit_log_behind", {{"why", taken.error().message}});
    }
    co_await watch.changed.wait();
  }
}

io::Task<Result<void>> AuditLog::note(AdminAct act) {
  io::Turns::Turn turn(turns_);
  co_await turn.mine();
  std::vector<grid::AuditLeaf> leaves;
  leaves.push_back(leaf_of(std::move(act), kActs, epoch_, ++acts_));
  co_return co_await take(std::move(leaves));
}

io::Task<Result<std::string>> AuditLog::part(std::string which) {
  std::function<Result<std::string>(io::Database&)> read = [log = log_, which = std::move(which)](io::Database& db) {
    return audit::export_part(db, *log, which);
  };
  co_return co_await door_.run(std::move(read));
}

io::Task<Result<audit::Witnessed>> AuditLog::witness(std::string gateway, audit::WitnessAsk ask) {
  std::function<Result<audit::Witnessed>(io::Database&)> look = [gateway, ask = std::move(ask), key = key_,
                                                                 name = authority_.grid() + kName](io::Database& db) {
    return witness_in(db, gateway, ask, name, key);
  };
  auto seen = co_await door_.run(std::move(look));
  if (seen.ok() || seen.error().code != Code::PermissionDenied) co_return seen;
  ++refused_;
  env_.log().fail("audit_log_inconsistent", {{"gateway", gateway}, {"why", seen.error().message}});
  AdminAct act{"gateway/" + gateway, "refuse-witness", "log of " + gateway, seen.error().message};
  auto noted = co_await note(std::move(act));
  if (!noted.ok()) env_.log().fail("audit_log_behind", {{"why", noted.error().message}});
  co_return seen;
}

io::Task<Result<std::vector<AuditLog::Seen>>> AuditLog::witnessed() {
  std::function<Result<std::vector<Seen>>(io::Database&)> read = read_witnessed;
  co_return co_await door_.run(std::move(read));
}

std::string AuditLog::pass_for(const std::string& admin, std::int64_t until_unix_s) const {
  const auto key = crypto::SigningKey::from_seed(authority_.bundle_seed());
  return key.ok() ? audit::issue_pass({authority_.grid(), admin, until_unix_s}, *key) : std::string();
}

std::string AuditLog::bundles_key() const {
  return audit::format_key({audit::bundles_key_name(authority_.grid()), authority_.bundle_key()});
}

}  // namespace aigrid::control
