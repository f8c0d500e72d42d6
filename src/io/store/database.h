// Database: a SQLite database in one file, over Env's files: prepared statements (kept by their text), transactions,
// errors as values. synchronous=FULL with a rollback journal: what a committed transaction wrote survives a crash of
// the machine. Thread contract: one thread at a time (see DatabaseDoor). Blocking. Errors: ResourceExhausted (disk
// full: the transaction is rolled back and works again once there is room), AlreadyExists (unique constraint), DataLoss
// (not a database, corrupt), Internal (SQL that is wrong).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/env/env.h"
#include "io/store/sqlite_vfs.h"

struct sqlite3;
struct sqlite3_stmt;

namespace aigrid::io {

class Database;

// A prepared statement in use; given back (reset) when it goes. Parameters are bound in order by add().
class Statement {
 public:
  Statement(Statement&& o) noexcept
      : database_(o.database_), statement_(std::exchange(o.statement_, nullptr)), next_(o.next_) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& add(std::int64_t value);
  Statement& add(std::uint64_t value) { return add(static_cast<std::int64_t>(value)); }
  Statement& add(int value) { return add(static_cast<std::int64_t>(value)); }
  Statement& add(std::string_view text);
  Statement& add(const char* text) { return add(std::string_view(text)); }
  Statement& add_blob(std::string_view bytes);
  Statement& add_null();

  // True: a row stands ready. False: done.
  Result<bool> step();
  // For statements without rows.
  Result<void> run();

  std::int64_t integer(int column) const;
  std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  std::string text(int column) const;  // or blob
  bool null(int column) const;

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Database* database_;
  sqlite3_stmt* statement_;
  int next_ = 1;
};

class Database {
 public:
  // Its folder must exist. `seed`: SQLite's own randomness.
  static Result<std::unique_ptr<Database>> open(Files& files, const std::string& path, std::uint64_t seed,
                                                WallTime wall);
  ~Database();

  // `sql` must be a string that stays the same for the same statement: it is the key of the cache.
  Result<Statement> prepare(std::string_view sql);
  // Several statements without parameters or rows.
  Result<void> execute(const std::string& script);
  // Rows changed by the last insert, update or delete.
  std::int64_t changes() const;

  // A write transaction; rolled back unless committed.
  class Transaction {
   public:
    Transaction(Transaction&& o) noexcept : database_(std::exchange(o.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    Result<void> commit();

   private:
    friend class Database;
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
  };
  Result<Transaction> begin();

 private:
  friend class Statement;
  Database() = default;
  Error error(int code, std::string_view during) const;

  std::unique_ptr<SqliteVfs> vfs_;
  sqlite3* handle_ = nullptr;
  std::string path_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;  // nullptr: in use
};

}  // namespace aigrid::io
