// SqliteVfs: SQLite's file system on Env's Files, so that a database lives wherever the Env's files do (a disk, or a
// virtual world) and a full disk there is a full disk here. No locks: a database has one process and one connection. No
// shared memory, so no WAL. Registered with SQLite under a name of its own while it lives. Thread contract: used by one
// thread at a time. Lifetime: outlives every connection opened through name().
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/random.h"
#include "io/env/env.h"

struct sqlite3_vfs;

namespace aigrid::io {

class SqliteVfs {
 public:
  // `wall`: what SQL's current time reads; nobody of us uses it, SQLite asks for it all the same.
  SqliteVfs(Files& files, std::uint64_t seed, WallTime wall);
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  const std::string& name() const { return name_; }
  Files& files() { return files_; }
  Random& random() { return random_; }
  WallTime wall() const { return wall_; }
  // What the file system said last about a full disk; SQLite keeps only a number of it.
  std::string last_error;

 private:
  Files& files_;
  Random random_;
  WallTime wall_;
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace aigrid::io
