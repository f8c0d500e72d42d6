#include "io/store/database.h"

#include <sqlite3.h>

namespace aigrid::io {

namespace {

Code code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL: return Code::ResourceExhausted;
    case SQLITE_CONSTRAINT: return Code::AlreadyExists;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::DataLoss;
    case SQLITE_CANTOPEN: return Code::Unavailable;
    case SQLITE_IOERR: return Code::Unavailable;
    default: return Code::Internal;
  }
}

}  // namespace

Error Database::error(int code, std::string_view during) const {
  const char* why = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  std::string message = "database " + path_ + ": " + why + " (" + std::string(during) + ")";
  if (code_of(code) == Code::ResourceExhausted) message += ": free some space, then try again";
  if (code_of(code) == Code::DataLoss) message += ": restore it from a backup";
  if ((code & 0xff) != SQLITE_CONSTRAINT && !vfs_->last_error.empty()) message += "; last: " + vfs_->last_error;
  return {code_of(code), Origin::Self, Retry::Never, std::move(message)};
}

Result<std::unique_ptr<Database>> Database::open(Files& files, const std::string& path, std::uint64_t seed,
                                                 WallTime wall) {
  std::unique_ptr<Database> db(new Database());
  db->path_ = path;
  db->vfs_ = std::make_unique<SqliteVfs>(files, seed, wall);
  // Both files are made durably here, once: later only their contents change.
  for (const std::string& file : {path, path + "-journal"}) {
    auto stat = files.stat(file);
    if (stat.ok()) continue;
    if (stat.error().code != Code::NotFound) return std::move(stat).error();
    AIGRID_CHECK_OK(files.replace(file, ""));
  }
  const int code =
      sqlite3_open_v2(path.c_str(), &db->handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      db->vfs_->name().c_str());
  if (code != SQLITE_OK) return db->error(code, "open");
  AIGRID_CHECK_OK(db->execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
      "PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384;"));
  return db;
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  if (handle_ != nullptr) sqlite3_close_v2(handle_);
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (auto found = statements_.find(sql); found != statements_.end()) {
    sqlite3_stmt* kept = std::exchange(found->second, nullptr);
    if (kept != nullptr) return Statement(*this, kept);
  }
  sqlite3_stmt* fresh = nullptr;
  const int code = sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &fresh, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  return Statement(*this, fresh);
}

Result<void> Database::execute(const std::string& script) {
  const int code = sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, script.substr(0, 80));
  return {};
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  auto& kept = database_->statements_[sqlite3_sql(statement_)];
  if (kept == nullptr) {
    kept = statement_;
  } else {
    sqlite3_finalize(statement_);
  }
}

Statement& Statement::add(std::int64_t value) {
  sqlite3_bind_int64(statement_, next_++, value);
  return *this;
}
Statement& Statement::add(std::string_view text) {
  sqlite3_bind_text64(statement_, next_++, text.data() != nullptr ? text.data() : "", text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}
Statement& Statement::add_blob(std::string_view bytes) {
  sqlite3_bind_blob64(statement_, next_++, bytes.data() != nullptr ? bytes.data() : "", bytes.size(), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::add_null() {
  sqlite3_bind_null(statement_, next_++);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = database_->error(code, sqlite3_sql(statement_));
  sqlite3_reset(statement_);
  return error;
}

Result<void> Statement::run() {
  AIGRID_TRY(const bool row, step());
  if (row) return internal(std::string("a statement that should give no rows did: ") + sqlite3_sql(statement_));
  return {};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr) return {};
  return std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}
bool Statement::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Result<Database::Transaction> Database::begin() {
  AIGRID_CHECK_OK(execute("BEGIN IMMEDIATE"));
  return Transaction(*this);
}

Result<void> Database::Transaction::commit() {
  AIGRID_CHECK_OK(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

Database::Transaction::~Transaction() {
  // SQLite may have rolled back by itself already (disk full); then this says so, and nothing is lost.
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

}  // namespace aigrid::io
