// WorkTable: what nodes did, by their agents' own records: one row an attempt, kept once however often it comes.
// Identity: (source, epoch, sequence), for ever. From these a request is closed whose ingress never recorded it.
// Thread contract: that of Database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/store/database.h"

namespace aigrid::io {

struct WorkRow {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string request_id;
  std::uint32_t attempt = 0;
  std::string line;  // the record itself
};

struct WorkAdded {
  std::uint64_t fresh = 0;
  std::uint64_t repeated = 0;
  std::uint64_t conflicting = 0;  // same identity, other content: the first one stays
};

class WorkTable {
 public:
  explicit WorkTable(Database& database) : database_(database) {}
  Result<void> prepare();
  // All or nothing.
  Result<WorkAdded> add(const std::vector<WorkRow>& rows, std::int64_t received_ms);
  // The lines of one request's attempts, by attempt.
  Result<std::vector<std::string>> of_request(const std::string& request_id);
  Result<std::uint64_t> count();

 private:
  Result<void> add_one(const WorkRow& row, std::int64_t received_ms, WorkAdded& added);
  Database& database_;
};

}  // namespace aigrid::io
