// AuditTable: the leaves, tiles and checkpoints of one audit log, in a database. It stores and finds; what a tile is
// and what a leaf says is known above. Leaves are only added, in order; a body can be erased, its hash stays. Thread
// contract: that of Database. Hashes are 32 raw bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/store/database.h"

namespace aigrid::io {

struct AuditRow {
  std::uint64_t index = 0;
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string tenant;  // who may see the body; empty: whoever may see all
  std::string hash;
  std::string body;  // empty: erased
};

class AuditTable {
 public:
  explicit AuditTable(Database& database) : database_(database) {}
  Result<void> prepare();

  Result<std::uint64_t> size();
  // False: there is one of its name already, and nothing was added.
  Result<bool> add(const AuditRow& row);
  Result<std::optional<AuditRow>> find(std::string_view source, std::uint64_t epoch, std::uint64_t sequence);
  // Of the highest sequence.
  Result<std::optional<AuditRow>> newest(std::string_view source, std::uint64_t epoch);
  // `count` rows from index `from`, fewer at the end.
  Result<std::vector<AuditRow>> rows(std::uint64_t from, std::uint64_t count);
  // Their hashes, one after the other.
  Result<std::string> hashes(std::uint64_t from, std::uint64_t count);
  // True: this conflict was not known.
  Result<bool> note_conflict(std::string_view source, std::uint64_t epoch, std::uint64_t sequence,
                             std::string_view offered);

  Result<void> put_tile(unsigned level, std::uint64_t number, std::string_view hashes);
  Result<std::optional<std::string>> tile(unsigned level, std::uint64_t number);

  // One for each size: the latest.
  Result<void> put_checkpoint(std::uint64_t size, std::string_view note);
  Result<std::optional<std::string>> newest_checkpoint();
  // Every one from this size on, `most` at a time.
  Result<std::vector<std::pair<std::uint64_t, std::string>>> checkpoints(std::uint64_t from, std::uint64_t most);

 private:
  Database& database_;
};

}  // namespace aigrid::io
