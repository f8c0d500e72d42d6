#include "io/store/resources.h"

namespace aigrid::io {

std::string_view to_string(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::Added: return "ADDED";
    case ChangeKind::Modified: return "MODIFIED";
    case ChangeKind::Deleted: return "DELETED";
  }
  return "";
}

std::string_view to_string(WriteResult::Action action) {
  switch (action) {
    case WriteResult::Action::Created: return "created";
    case WriteResult::Action::Changed: return "changed";
    case WriteResult::Action::Unchanged: return "unchanged";
    case WriteResult::Action::Deleted: return "deleted";
  }
  return "";
}

namespace {

StoredResource resource_at(const Statement& row, int first) {
  return {row.text(first),       row.text(first + 1),    row.text(first + 2), row.text(first + 3),
          row.number(first + 4), row.integer(first + 5), row.text(first + 6)};
}

Error named(Code code, const ResourceWrite& write, const std::string& what) {
  return {code, Origin::Client, Retry::Never, write.kind + " \"" + write.name + "\" " + what};
}

}  // namespace

Result<void> ResourceTable::prepare() {
  AIGRID_CHECK_OK(database_.execute(
      "CREATE TABLE IF NOT EXISTS counter(id INTEGER PRIMARY KEY CHECK(id=1), revision INTEGER NOT NULL);"
      "INSERT OR IGNORE INTO counter VALUES(1,0);"
      "CREATE TABLE IF NOT EXISTS resource(kind TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL, labels TEXT NOT "
      "NULL,"
      " version INTEGER NOT NULL, created_ms INTEGER NOT NULL, changed_by TEXT NOT NULL DEFAULT '',"
      " PRIMARY KEY(kind,name)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS change(revision INTEGER PRIMARY KEY, type INTEGER NOT NULL, kind TEXT NOT NULL,"
      " name TEXT NOT NULL, spec TEXT NOT NULL, labels TEXT NOT NULL, version INTEGER NOT NULL, created_ms INTEGER NOT "
      "NULL, changed_by TEXT NOT NULL DEFAULT '');"));
  for (const char* table : {"resource", "change"}) {  // of a database that is older than the column
    AIGRID_TRY(auto column, database_.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name='changed_by'"));
    AIGRID_TRY(const bool there, column.add(table).step());
    if (there) continue;
    AIGRID_CHECK_OK(
        database_.execute("ALTER TABLE " + std::string(table) + " ADD COLUMN changed_by TEXT NOT NULL DEFAULT ''"));
  }
  return {};
}

Result<std::uint64_t> ResourceTable::revision() {
  AIGRID_TRY(auto row, database_.prepare("SELECT revision FROM counter"));
  AIGRID_TRY(const bool found, row.step());
  return found ? row.number(0) : 0;
}

Result<ResourceList> ResourceTable::list(std::string_view kind) {
  ResourceList list;
  AIGRID_TRY(list.revision, revision());
  AIGRID_TRY(auto row, database_.prepare("SELECT kind,name,spec,labels,version,created_ms,changed_by FROM resource"
                                         " WHERE ?1='' OR kind=?1 ORDER BY kind,name"));
  row.add(kind);
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return list;
    list.items.push_back(resource_at(row, 0));
  }
}

Result<std::optional<StoredResource>> ResourceTable::get(std::string_view kind, std::string_view name) {
  AIGRID_TRY(auto row,
             database_.prepare(
                 "SELECT kind,name,spec,labels,version,created_ms,changed_by FROM resource WHERE kind=? AND name=?"));
  AIGRID_TRY(const bool found, row.add(kind).add(name).step());
  if (!found) return std::optional<StoredResource>();
  return std::optional<StoredResource>(resource_at(row, 0));
}

Result<WriteOutcome> ResourceTable::write(const std::vector<ResourceWrite>& writes, std::int64_t now_ms, bool dry_run,
                                          const std::string& by) {
  AIGRID_TRY(auto transaction, database_.begin());
  WriteOutcome outcome;
  AIGRID_TRY(outcome.revision, revision());
  const std::uint64_t before = outcome.revision;
  for (const auto& write : writes) {
    AIGRID_TRY(auto result, write_one(write, now_ms, by, outcome.revision));
    outcome.results.push_back(std::move(result));
  }
  if (outcome.revision == before || dry_run) return outcome;
  {
    AIGRID_TRY(auto count, database_.prepare("UPDATE counter SET revision=?"));
    AIGRID_CHECK_OK(count.add(outcome.revision).run());
    AIGRID_TRY(auto forget, database_.prepare("DELETE FROM change WHERE revision<=?"));
    AIGRID_CHECK_OK(forget.add(outcome.revision > kKeptChanges ? outcome.revision - kKeptChanges : 0).run());
  }
  AIGRID_CHECK_OK(transaction.commit());
  return outcome;
}

Result<WriteResult> ResourceTable::write_one(const ResourceWrite& write, std::int64_t now_ms, const std::string& by,
                                             std::uint64_t& revision) {
  AIGRID_TRY(const auto held, get(write.kind, write.name));
  if (write.if_version && *write.if_version != (held ? held->version : 0)) {
    return named(Code::Conflict, write,
                 held ? "is at version " + std::to_string(held->version) + ", not " +
                            std::to_string(*write.if_version) + ": read it again and repeat the change"
                      : "does not exist any more: read the list again");
  }
  WriteResult result;
  if (write.mode == ResourceWrite::Mode::Delete) {
    if (!held) return named(Code::NotFound, write, "does not exist");
    AIGRID_TRY(auto gone, database_.prepare("DELETE FROM resource WHERE kind=? AND name=?"));
    AIGRID_CHECK_OK(gone.add(write.kind).add(write.name).run());
    result = {WriteResult::Action::Deleted, *held};
    result.resource.version = ++revision;
    result.resource.changed_by = by;
    AIGRID_CHECK_OK(store(result, ChangeKind::Deleted));
    return result;
  }
  if (held && write.mode == ResourceWrite::Mode::Create) {
    return named(Code::AlreadyExists, write, "exists already: use PUT to change it");
  }
  if (held && held->spec == write.spec && held->labels == write.labels) {
    return WriteResult{WriteResult::Action::Unchanged, *held};
  }
  result.action = held ? WriteResult::Action::Changed : WriteResult::Action::Created;
  result.resource = {write.kind, write.name, write.spec, write.labels, ++revision, held ? held->created_ms : now_ms,
                     by};
  AIGRID_TRY(auto put, database_.prepare("INSERT OR REPLACE INTO resource VALUES(?,?,?,?,?,?,?)"));
  const auto& r = result.resource;
  put.add(r.kind).add(r.name).add(r.spec).add(r.labels).add(r.version).add(r.created_ms).add(r.changed_by);
  AIGRID_CHECK_OK(put.run());
  AIGRID_CHECK_OK(store(result, held ? ChangeKind::Modified : ChangeKind::Added));
  return result;
}

Result<void> ResourceTable::store(const WriteResult& result, ChangeKind kind) {
  const auto& r = result.resource;
  AIGRID_TRY(auto log, database_.prepare("INSERT INTO change VALUES(?,?,?,?,?,?,?,?,?)"));
  return log.add(r.version)
      .add(static_cast<int>(kind))
      .add(r.kind)
      .add(r.name)
      .add(r.spec)
      .add(r.labels)
      .add(r.version)
      .add(r.created_ms)
      .add(r.changed_by)
      .run();
}

Result<std::vector<ResourceChange>> ResourceTable::changes(std::uint64_t since, std::size_t limit) {
  AIGRID_TRY(const std::uint64_t now, revision());
  // Every revision is one change, so what is kept is known by number.
  if (since > now || since + kKeptChanges < now) {
    return Error{Code::NotFound, Origin::Client, Retry::Never,
                 "changes since revision " + std::to_string(since) + " are not kept (now at " + std::to_string(now) +
                     "): list again and watch from the revision of the list"};
  }
  AIGRID_TRY(auto row,
             database_.prepare("SELECT revision,type,kind,name,spec,labels,version,created_ms,changed_by FROM change"
                               " WHERE revision>? ORDER BY revision LIMIT ?"));
  row.add(since).add(static_cast<std::uint64_t>(limit));
  std::vector<ResourceChange> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.number(0), static_cast<ChangeKind>(row.integer(1)), resource_at(row, 2)});
  }
}

}  // namespace aigrid::io
