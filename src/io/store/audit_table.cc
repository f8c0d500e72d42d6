#include "io/store/audit_table.h"

namespace aigrid::io {

namespace {

AuditRow row_of(const Statement& s) {
  return {s.number(0), s.text(1), s.number(2), s.number(3), s.text(4), s.text(5), s.text(6)};
}

}  // namespace

Result<void> AuditTable::prepare() {
  return database_.execute(
      "CREATE TABLE IF NOT EXISTS audit_leaf(idx INTEGER PRIMARY KEY, source TEXT NOT NULL, epoch INTEGER NOT NULL,"
      " sequence INTEGER NOT NULL, tenant TEXT NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL);"
      "CREATE UNIQUE INDEX IF NOT EXISTS audit_leaf_name ON audit_leaf(source,epoch,sequence);"
      "CREATE TABLE IF NOT EXISTS audit_tile(level INTEGER NOT NULL, number INTEGER NOT NULL, hashes BLOB NOT NULL,"
      " PRIMARY KEY(level,number)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS audit_conflict(source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT "
      "NULL, offered BLOB NOT NULL, PRIMARY KEY(source,epoch,sequence,offered)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS audit_checkpoint(size INTEGER PRIMARY KEY, note TEXT NOT NULL);");
}

Result<std::uint64_t> AuditTable::size() {
  AIGRID_TRY(auto row, database_.prepare("SELECT ifnull(max(idx)+1,0) FROM audit_leaf"));
  AIGRID_TRY(const bool found, row.step());
  return found ? row.number(0) : 0;
}

Result<bool> AuditTable::add(const AuditRow& row) {
  AIGRID_TRY(auto put, database_.prepare("INSERT INTO audit_leaf VALUES(?,?,?,?,?,?,?) "
                                         "ON CONFLICT(source,epoch,sequence) DO NOTHING"));
  put.add(row.index).add(row.source).add(row.epoch).add(row.sequence).add(row.tenant);
  AIGRID_CHECK_OK(put.add_blob(row.hash).add_blob(row.body).run());
  return database_.changes() != 0;
}

Result<std::optional<AuditRow>> AuditTable::find(std::string_view source, std::uint64_t epoch, std::uint64_t sequence) {
  AIGRID_TRY(auto row, database_.prepare("SELECT idx,source,epoch,sequence,tenant,hash,body FROM audit_leaf WHERE "
                                         "source=? AND epoch=? AND sequence=?"));
  AIGRID_TRY(const bool found, row.add(source).add(epoch).add(sequence).step());
  return found ? std::optional(row_of(row)) : std::nullopt;
}

Result<std::optional<AuditRow>> AuditTable::newest(std::string_view source, std::uint64_t epoch) {
  AIGRID_TRY(auto row, database_.prepare("SELECT idx,source,epoch,sequence,tenant,hash,body FROM audit_leaf WHERE "
                                         "source=? AND epoch=? ORDER BY sequence DESC LIMIT 1"));
  AIGRID_TRY(const bool found, row.add(source).add(epoch).step());
  return found ? std::optional(row_of(row)) : std::nullopt;
}

Result<std::vector<AuditRow>> AuditTable::rows(std::uint64_t from, std::uint64_t count) {
  AIGRID_TRY(auto row, database_.prepare("SELECT idx,source,epoch,sequence,tenant,hash,body FROM audit_leaf WHERE "
                                         "idx>=? ORDER BY idx LIMIT ?"));
  row.add(from).add(count);
  std::vector<AuditRow> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back(row_of(row));
  }
}

Result<std::string> AuditTable::hashes(std::uint64_t from, std::uint64_t count) {
  AIGRID_TRY(auto row, database_.prepare("SELECT hash FROM audit_leaf WHERE idx>=? ORDER BY idx LIMIT ?"));
  row.add(from).add(count);
  std::string out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out += row.text(0);
  }
}

Result<bool> AuditTable::note_conflict(std::string_view source, std::uint64_t epoch, std::uint64_t sequence,
                                       std::string_view offered) {
  AIGRID_TRY(auto put, database_.prepare("INSERT OR IGNORE INTO audit_conflict VALUES(?,?,?,?)"));
  AIGRID_CHECK_OK(put.add(source).add(epoch).add(sequence).add_blob(offered).run());
  return database_.changes() != 0;
}

Result<void> AuditTable::put_tile(unsigned level, std::uint64_t number, std::string_view hashes) {
  AIGRID_TRY(auto put, database_.prepare("INSERT INTO audit_tile VALUES(?,?,?)"));
  return put.add(static_cast<std::int64_t>(level)).add(number).add_blob(hashes).run();
}

Result<std::optional<std::string>> AuditTable::tile(unsigned level, std::uint64_t number) {
  AIGRID_TRY(auto row, database_.prepare("SELECT hashes FROM audit_tile WHERE level=? AND number=?"));
  AIGRID_TRY(const bool found, row.add(static_cast<std::int64_t>(level)).add(number).step());
  return found ? std::optional(row.text(0)) : std::nullopt;
}

Result<void> AuditTable::put_checkpoint(std::uint64_t size, std::string_view note) {
  AIGRID_TRY(auto put, database_.prepare("INSERT OR REPLACE INTO audit_checkpoint VALUES(?,?)"));
  return put.add(size).add(note).run();
}

Result<std::optional<std::string>> AuditTable::newest_checkpoint() {
  AIGRID_TRY(auto row, database_.prepare("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1"));
  AIGRID_TRY(const bool found, row.step());
  return found ? std::optional(row.text(0)) : std::nullopt;
}

Result<std::vector<std::pair<std::uint64_t, std::string>>> AuditTable::checkpoints(std::uint64_t from,
                                                                                   std::uint64_t most) {
  AIGRID_TRY(auto row, database_.prepare("SELECT size,note FROM audit_checkpoint WHERE size>=? ORDER BY size LIMIT ?"));
  row.add(from).add(most);
  std::vector<std::pair<std::uint64_t, std::string>> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.emplace_back(row.number(0), row.text(1));
  }
}

}  // namespace aigrid::io
