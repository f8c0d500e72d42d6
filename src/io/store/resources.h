// ResourceTable: the grid's resources in the database: kind, name, spec as JSON text, labels, version; a log of changes
// for watches; one revision counter, raised in the same transaction as what it counts, so that the order of commits is
// the order of revisions. A resource's version is the revision that wrote it last. Thread contract: that of Database.
// Errors: Conflict (the version asked for is not the one held), NotFound, AlreadyExists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/store/database.h"

namespace aigrid::io {

struct StoredResource {
  std::string kind;
  std::string name;
  std::string spec;    // JSON object
  std::string labels;  // JSON object, or empty
  std::uint64_t version = 0;
  std::int64_t created_ms = 0;
  std::string changed_by{};  // who wrote it last
};

enum class ChangeKind : std::uint8_t { Added, Modified, Deleted };
std::string_view to_string(ChangeKind kind);  // "ADDED"

struct ResourceChange {
  std::uint64_t revision = 0;
  ChangeKind kind = ChangeKind::Added;
  StoredResource resource;  // as it is after the change; for Deleted: as it was
};

struct ResourceWrite {
  enum class Mode : std::uint8_t { Create, Put, Delete } mode = Mode::Put;
  std::string kind;
  std::string name;
  std::string spec;
  std::string labels;
  std::optional<std::uint64_t> if_version;  // Put, Delete: only when this is the version held; 0: only when none is
};

struct ResourceList {
  std::vector<StoredResource> items;  // by kind, then name
  std::uint64_t revision = 0;         // at which this was the state
};

struct WriteResult {
  enum class Action : std::uint8_t { Created, Changed, Unchanged, Deleted } action = Action::Unchanged;
  StoredResource resource;
};
std::string_view to_string(WriteResult::Action action);  // "created"

struct WriteOutcome {
  std::vector<WriteResult> results;  // one a write, in order
  std::uint64_t revision = 0;
};

// How many changes are kept for watches that fell behind.
inline constexpr std::uint64_t kKeptChanges = 10'000;

class ResourceTable {
 public:
  explicit ResourceTable(Database& database) : database_(database) {}
  Result<void> prepare();  // makes the tables where they are missing

  Result<std::uint64_t> revision();
  Result<ResourceList> list(std::string_view kind);  // empty: all kinds
  Result<std::optional<StoredResource>> get(std::string_view kind, std::string_view name);
  // All or nothing, in one transaction. Writing what is there already changes nothing and takes no revision.
  // `dry_run`: says what would happen, and rolls back.
  // `by`: who does it, kept with what is written and in the log of changes.
  Result<WriteOutcome> write(const std::vector<ResourceWrite>& writes, std::int64_t now_ms, bool dry_run = false,
                             const std::string& by = {});
  // Changes with a revision above `since`, ascending. NotFound: some of them are not kept any more; list anew.
  Result<std::vector<ResourceChange>> changes(std::uint64_t since, std::size_t limit);

 private:
  Result<WriteResult> write_one(const ResourceWrite& write, std::int64_t now_ms, const std::string& by,
                                std::uint64_t& revision);
  Result<void> store(const WriteResult& result, ChangeKind kind);
  Database& database_;
};

}  // namespace aigrid::io
