#include "io/store/records.h"

namespace aigrid::io {

Result<void> RecordTable::prepare() {
  return database_.execute(
      "CREATE TABLE IF NOT EXISTS record(source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,"
      " received_ms INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY(source,epoch,sequence)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS usage_sum(tenant TEXT PRIMARY KEY, requests INTEGER NOT NULL, prompt INTEGER NOT "
      "NULL,"
      " completion INTEGER NOT NULL, charge_nano INTEGER NOT NULL) WITHOUT ROWID;");
}

Result<RecordsAdded> RecordTable::add(const std::vector<RecordRow>& rows, std::int64_t received_ms) {
  RecordsAdded added;
  AIGRID_TRY(auto transaction, database_.begin());
  for (const auto& row : rows) AIGRID_CHECK_OK(add_one(row, received_ms, added));
  AIGRID_CHECK_OK(transaction.commit());
  return added;
}

Result<void> RecordTable::add_one(const RecordRow& row, std::int64_t received_ms, RecordsAdded& added) {
  {
    AIGRID_TRY(auto put, database_.prepare("INSERT OR IGNORE INTO record VALUES(?,?,?,?,?)"));
    AIGRID_CHECK_OK(put.add(row.source).add(row.epoch).add(row.sequence).add(received_ms).add(row.line).run());
  }
  if (database_.changes() == 0) {
    AIGRID_TRY(auto held, database_.prepare("SELECT line FROM record WHERE source=? AND epoch=? AND sequence=?"));
    AIGRID_TRY(const bool found, held.add(row.source).add(row.epoch).add(row.sequence).step());
    ++(found && held.text(0) == row.line ? added.repeated : added.conflicting);
    return {};
  }
  ++added.fresh;
  AIGRID_TRY(
      auto sum,
      database_.prepare("INSERT INTO usage_sum VALUES(?,1,?,?,?) ON CONFLICT(tenant) DO UPDATE SET requests=requests+1,"
                        " prompt=prompt+excluded.prompt, completion=completion+excluded.completion,"
                        " charge_nano=charge_nano+excluded.charge_nano"));
  return sum.add(row.tenant).add(row.prompt_tokens).add(row.completion_tokens).add(row.charge_nano).run();
}

Result<std::vector<UsageSum>> RecordTable::usage() {
  AIGRID_TRY(auto row,
             database_.prepare("SELECT tenant,requests,prompt,completion,charge_nano FROM usage_sum ORDER BY tenant"));
  std::vector<UsageSum> sums;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return sums;
    sums.push_back({row.text(0), row.number(1), row.number(2), row.number(3), row.integer(4)});
  }
}

Result<std::uint64_t> RecordTable::count() {
  AIGRID_TRY(auto row, database_.prepare("SELECT count(*) FROM record"));
  AIGRID_TRY(const bool found, row.step());
  return found ? row.number(0) : 0;
}

}  // namespace aigrid::io
