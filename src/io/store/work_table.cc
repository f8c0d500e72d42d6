#include "io/store/work_table.h"

namespace aigrid::io {

Result<void> WorkTable::prepare() {
  return database_.execute(
      "CREATE TABLE IF NOT EXISTS work(source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,"
      " request_id TEXT NOT NULL, attempt INTEGER NOT NULL, received_ms INTEGER NOT NULL, line TEXT NOT NULL,"
      " PRIMARY KEY(source,epoch,sequence)) WITHOUT ROWID;"
      "CREATE INDEX IF NOT EXISTS work_of_request ON work(request_id,attempt);");
}

Result<WorkAdded> WorkTable::add(const std::vector<WorkRow>& rows, std::int64_t received_ms) {
  WorkAdded added;
  AIGRID_TRY(auto transaction, database_.begin());
  for (const auto& row : rows) AIGRID_CHECK_OK(add_one(row, received_ms, added));
  AIGRID_CHECK_OK(transaction.commit());
  return added;
}

Result<void> WorkTable::add_one(const WorkRow& row, std::int64_t received_ms, WorkAdded& added) {
  {
    AIGRID_TRY(auto put, database_.prepare("INSERT OR IGNORE INTO work VALUES(?,?,?,?,?,?,?)"));
    put.add(row.source).add(row.epoch).add(row.sequence).add(row.request_id).add(std::uint64_t{row.attempt});
    AIGRID_CHECK_OK(put.add(received_ms).add(row.line).run());
  }
  if (database_.changes() != 0) {
    ++added.fresh;
    return {};
  }
  AIGRID_TRY(auto held, database_.prepare("SELECT line FROM work WHERE source=? AND epoch=? AND sequence=?"));
  AIGRID_TRY(const bool found, held.add(row.source).add(row.epoch).add(row.sequence).step());
  ++(found && held.text(0) == row.line ? added.repeated : added.conflicting);
  return {};
}

Result<std::vector<std::string>> WorkTable::of_request(const std::string& request_id) {
  AIGRID_TRY(auto row,
             database_.prepare("SELECT line FROM work WHERE request_id=? ORDER BY attempt,source,epoch,sequence"));
  row.add(request_id);
  std::vector<std::string> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back(row.text(0));
  }
}

Result<std::uint64_t> WorkTable::count() {
  AIGRID_TRY(auto row, database_.prepare("SELECT count(*) FROM work"));
  AIGRID_TRY(const bool found, row.step());
  return found ? row.number(0) : 0;
}

}  // namespace aigrid::io
