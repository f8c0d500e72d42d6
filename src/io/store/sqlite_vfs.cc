#include "io/store/sqlite_vfs.h"

#include <sqlite3.h>

#include <cstring>
#include <new>

namespace aigrid::io {

namespace {

// What SQLite allocates for an open file: its methods first, then ours.
struct OpenFile {
  sqlite3_file base;
  File* file;
  SqliteVfs* vfs;
};

OpenFile& self_of(sqlite3_file* f) { return *reinterpret_cast<OpenFile*>(f); }
SqliteVfs& self_of(sqlite3_vfs* v) { return *static_cast<SqliteVfs*>(v->pAppData); }

int failed(SqliteVfs& vfs, const Error& error, int otherwise) {
  vfs.last_error = error.message;
  return error.code == Code::ResourceExhausted ? SQLITE_FULL : otherwise;
}

int close_file(sqlite3_file* f) {
  delete self_of(f).file;
  self_of(f).file = nullptr;
  return SQLITE_OK;
}

int read_file(sqlite3_file* f, void* into, int amount, sqlite3_int64 offset) {
  OpenFile& o = self_of(f);
  std::span<char> left(static_cast<char*>(into), static_cast<std::size_t>(amount));
  while (!left.empty()) {
    auto n = o.file->read_at(static_cast<std::uint64_t>(offset), left);
    if (!n.ok()) return failed(*o.vfs, n.error(), SQLITE_IOERR_READ);
    if (*n == 0) break;
    left = left.subspan(*n);
    offset += static_cast<sqlite3_int64>(*n);
  }
  if (left.empty()) return SQLITE_OK;
  std::memset(left.data(), 0, left.size());  // SQLite requires the rest to be zero
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* f, const void* from, int amount, sqlite3_int64 offset) {
  OpenFile& o = self_of(f);
  const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(amount));
  auto done = o.file->write_at(static_cast<std::uint64_t>(offset), bytes);
  return done.ok() ? SQLITE_OK : failed(*o.vfs, done.error(), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  OpenFile& o = self_of(f);
  auto done = o.file->truncate(static_cast<std::uint64_t>(size));
  return done.ok() ? SQLITE_OK : failed(*o.vfs, done.error(), SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* f, int) {
  OpenFile& o = self_of(f);
  auto done = o.file->sync_now();
  return done.ok() ? SQLITE_OK : failed(*o.vfs, done.error(), SQLITE_IOERR_FSYNC);
}

int size_file(sqlite3_file* f, sqlite3_int64* size) {
  OpenFile& o = self_of(f);
  auto bytes = o.file->size();
  if (!bytes.ok()) return failed(*o.vfs, bytes.error(), SQLITE_IOERR_FSTAT);
  *size = static_cast<sqlite3_int64>(*bytes);
  return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) { return SQLITE_OK; }
int check_lock(sqlite3_file*, int* held) {
  *held = 0;
  return SQLITE_OK;
}
int control_file(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return 0; }

constexpr sqlite3_io_methods kMethods = {
    1,         close_file, read_file,  write_file,   truncate_file, sync_file,       size_file,
    lock_file, lock_file,  check_lock, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,    nullptr,    nullptr,      nullptr};

int open_file(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  OpenFile& o = self_of(f);
  o.base.pMethods = nullptr;                    // no close after a failure
  if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files are kept in memory (temp_store)
  const OpenMode mode = (flags & SQLITE_OPEN_READONLY) != 0 ? OpenMode::Read
                        : (flags & SQLITE_OPEN_CREATE) != 0 ? OpenMode::Create
                                                            : OpenMode::ReadWrite;
  auto file = self_of(v).files().open(name, mode);
  if (!file.ok()) return failed(self_of(v), file.error(), SQLITE_CANTOPEN);
  o.file = file->release();
  o.vfs = &self_of(v);
  o.base.pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* v, const char* name, int) {
  auto done = self_of(v).files().remove(name);
  if (done.ok()) return SQLITE_OK;
  return done.error().code == Code::NotFound ? SQLITE_IOERR_DELETE_NOENT
                                             : failed(self_of(v), done.error(), SQLITE_IOERR_DELETE);
}

int access_file(sqlite3_vfs* v, const char* name, int, int* there) {
  auto stat = self_of(v).files().stat(name);
  *there = stat.ok() && !stat->directory ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int room, char* out) {
  if (std::strlen(name) >= static_cast<std::size_t>(room)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, std::strlen(name) + 1);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* v, int bytes, char* out) {
  for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(self_of(v).random().next() >> 56U);
  return bytes;
}

int sleep_some(sqlite3_vfs*, int) { return 0; }

// Milliseconds since the Julian epoch.
int current_time_ms(sqlite3_vfs* v, sqlite3_int64* out) {
  constexpr sqlite3_int64 kUnixEpoch = 210'866'760'000'000;
  *out = kUnixEpoch + unix_ms(self_of(v).wall());
  return SQLITE_OK;
}
int current_time(sqlite3_vfs* v, double* out) {
  sqlite3_int64 ms = 0;
  current_time_ms(v, &ms);
  *out = static_cast<double>(ms) / 86'400'000.0;
  return SQLITE_OK;
}
int last_error_of(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

SqliteVfs::SqliteVfs(Files& files, std::uint64_t seed, WallTime wall)
    : files_(files), random_(seed), wall_(wall), vfs_(std::make_unique<sqlite3_vfs>()) {
  // The address is unique among the living, which is all that SQLite's list of file systems needs.
  name_ = "aigrid-" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
  sqlite3_vfs& v = *vfs_;
  v = {};
  v.iVersion = 2;
  v.szOsFile = sizeof(OpenFile);
  v.mxPathname = 4096;
  v.zName = name_.c_str();
  v.pAppData = this;
  v.xOpen = open_file;
  v.xDelete = delete_file;
  v.xAccess = access_file;
  v.xFullPathname = full_path;
  v.xRandomness = randomness;
  v.xSleep = sleep_some;
  v.xCurrentTime = current_time;
  v.xCurrentTimeInt64 = current_time_ms;
  v.xGetLastError = last_error_of;
  sqlite3_vfs_register(&v, 0);
}

SqliteVfs::~SqliteVfs() { sqlite3_vfs_unregister(vfs_.get()); }

}  // namespace aigrid::io
