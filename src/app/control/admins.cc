#include "app/control/admins.h"

#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "base/spiffe.h"

namespace aigrid::control {

namespace {

std::string hash_of_key(std::string_view key) { return crypto::bytes(crypto::sha256(key)); }

Result<std::vector<Admin>> read_all(io::Database& db) {
  AIGRID_CHECK_OK(db.execute(
      "CREATE TABLE IF NOT EXISTS admin_key(name TEXT PRIMARY KEY, hash BLOB NOT NULL, made_by TEXT NOT NULL,"
      " made_ms INTEGER NOT NULL, revoked_by TEXT NOT NULL DEFAULT '', revoked_ms INTEGER NOT NULL DEFAULT 0)"
      " WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS admin_renewal(name TEXT PRIMARY KEY, renewed_ms INTEGER NOT NULL) WITHOUT ROWID;"));
  AIGRID_TRY(auto row, db.prepare("SELECT a.name,hash,made_by,made_ms,revoked_by,revoked_ms,ifnull(renewed_ms,0)"
                                  " FROM admin_key a LEFT JOIN admin_renewal r ON r.name=a.name"));
  std::vector<Admin> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.text(0), row.text(1), row.text(2), row.integer(3), row.text(4), row.integer(5), row.integer(6)});
  }
}

Result<void> write_one(io::Database& db, const Admin& a) {
  AIGRID_TRY(auto whole, db.begin());
  {
    AIGRID_TRY(auto put, db.prepare("INSERT OR REPLACE INTO admin_key VALUES(?,?,?,?,?,?)"));
    AIGRID_CHECK_OK(
        put.add(a.name).add_blob(a.hash).add(a.made_by).add(a.made_ms).add(a.revoked_by).add(a.revoked_ms).run());
  }
  if (a.renewed_ms != 0) {
    AIGRID_TRY(auto put, db.prepare("INSERT OR REPLACE INTO admin_renewal VALUES(?,?)"));
    AIGRID_CHECK_OK(put.add(a.name).add(a.renewed_ms).run());
  }
  return whole.commit();
}

std::string new_key(io::Env& env) {
  std::string secret(32, '\0');
  env.entropy(secret);
  return "agadmin_" + crypto::base62(secret);
}

}  // namespace

Admins::Admins(io::Env& env, io::DatabaseDoor& door, const std::string& root_key)
    : env_(env), door_(door), turns_(env.executor()), root_hash_(hash_of_key(root_key)) {}

io::Task<Result<void>> Admins::load() {
  std::function<Result<std::vector<Admin>>(io::Database&)> read = read_all;
  auto all = co_await door_.run(std::move(read));
  if (!all.ok()) co_return std::move(all).error();
  for (auto& admin : *all) {
    if (admin.revoked_ms == 0) by_hash_[admin.hash] = admin.name;
    admins_[admin.name] = std::move(admin);
  }
  co_return Result<void>();
}

// Keys are found by their hash: how long that takes says nothing of a key.
std::optional<AdminIdentity> Admins::identify(std::string_view key) const {
  const std::string hash = hash_of_key(key);
  if (crypto::constant_time_equal(hash, root_hash_)) return AdminIdentity{kRootAdmin};
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return std::nullopt;
  return AdminIdentity{found->second};
}

io::Task<Result<std::string>> Admins::create(std::string name, AdminIdentity by) {
  if (const auto text = Spiffe{"grid", Role::Admin, "admin", name}.format(); !text.ok() || name.empty()) {
    co_return invalid("admin name \"" + name +
                      "\": 1 to 63 characters of a-z 0-9 . _ -, beginning with a letter or digit");
  }
  if (name == kRootAdmin || admins_.contains(name)) {
    co_return Error{Code::AlreadyExists, Origin::Client, Retry::Never,
                    "admin \"" + name + "\" exists or existed: a name is one person's for ever, take another"};
  }
  const std::string key = new_key(env_);
  Admin admin{name, hash_of_key(key), by.name, unix_ms(env_.wall()), "", 0, 0};
  admins_[name] = admin;  // the name is taken while it is being written
  std::function<Result<void>(io::Database&)> store = [admin](io::Database& db) { return write_one(db, admin); };
  auto stored = co_await door_.run(std::move(store));
  if (!stored.ok()) {
    admins_.erase(name);
    co_return std::move(stored).error();
  }
  by_hash_[admin.hash] = name;
  env_.log().note("admin_created", {{"name", name}, {"by", by.name}});
  co_return key;
}

io::Task<Result<std::string>> Admins::renew(AdminIdentity who) {
  io::Turns::Turn turn(turns_);
  co_await turn.mine();
  const auto found = admins_.find(who.name);
  if (found == admins_.end()) {
    co_return invalid("root's key is the one control was started with: change --admin-key or its file admin_key");
  }
  Admin admin = found->second;
  if (admin.revoked_ms != 0) {  // while it waited
    co_return Error{Code::Unauthenticated, Origin::Client, Retry::Never, "the key of " + who.name + " is revoked"};
  }
  const std::string key = new_key(env_);
  admin.hash = hash_of_key(key);
  admin.renewed_ms = unix_ms(env_.wall());
  std::function<Result<void>(io::Database&)> store = [admin](io::Database& db) { return write_one(db, admin); };
  auto stored = co_await door_.run(std::move(store));
  if (!stored.ok()) co_return std::move(stored).error();
  by_hash_.erase(found->second.hash);
  by_hash_[admin.hash] = who.name;
  found->second = admin;
  env_.log().note("admin_renewed", {{"name", who.name}});
  co_return key;
}

access::KeyHolder Admins::holder(const AdminIdentity& who) const {
  const auto found = admins_.find(who.name);
  if (found == admins_.end()) return {who.name, "", who.name == kRootAdmin};
  return {who.name, found->second.renewed_ms != 0 ? std::string() : found->second.made_by, false};
}

io::Task<Result<Admin>> Admins::revoke(std::string name, AdminIdentity by) {
  if (name == kRootAdmin) {
    co_return invalid(
        "root's key is the one control was started with: change --admin-key or its file admin_key, and restart it");
  }
  const auto found = admins_.find(name);
  if (found == admins_.end()) {
    co_return Error{Code::NotFound, Origin::Client, Retry::Never,
                    "there is no admin \"" + name + "\": `aigrid admin list` shows them"};
  }
  io::Turns::Turn turn(turns_);
  co_await turn.mine();
  if (found->second.revoked_ms != 0) co_return found->second;
  Admin admin = found->second;
  admin.revoked_by = by.name;
  admin.revoked_ms = unix_ms(env_.wall());
  std::function<Result<void>(io::Database&)> store = [admin](io::Database& db) { return write_one(db, admin); };
  auto stored = co_await door_.run(std::move(store));
  if (!stored.ok()) co_return std::move(stored).error();
  by_hash_.erase(admin.hash);
  admins_[name] = admin;
  env_.log().note("admin_revoked", {{"name", name}, {"by", by.name}});
  co_return admin;
}

}  // namespace aigrid::control
