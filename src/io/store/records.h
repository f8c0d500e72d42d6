// RecordTable: terminal records of requests as control keeps them, and the sums of usage by tenant, changed in the same
// transaction: a record counts once, however often it comes. Identity: (source, epoch, sequence), for ever.
// Thread contract: that of Database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/store/database.h"

namespace aigrid::io {

struct RecordRow {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string tenant;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::int64_t charge_nano = 0;
  std::string line;  // the record itself
};

struct UsageSum {
  std::string tenant;
  std::uint64_t requests = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::int64_t charge_nano = 0;
};

struct RecordsAdded {
  std::uint64_t fresh = 0;
  std::uint64_t repeated = 0;
  std::uint64_t conflicting = 0;  // same identity, other content: the first one stays
};

class RecordTable {
 public:
  explicit RecordTable(Database& database) : database_(database) {}
  Result<void> prepare();
  // All or nothing.
  Result<RecordsAdded> add(const std::vector<RecordRow>& rows, std::int64_t received_ms);
  Result<std::vector<UsageSum>> usage();  // by tenant
  Result<std::uint64_t> count();

 private:
  Result<void> add_one(const RecordRow& row, std::int64_t received_ms, RecordsAdded& added);
  Database& database_;
};

}  // namespace aigrid::io
