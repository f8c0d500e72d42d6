// LedgerSpool: the gateway's records: one terminal record per request, in the spool before the last byte leaves,
// durable within a group commit, shipped to control and only then forgotten. Gives requests their ids. One worker.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/result.h"
#include "grid/usage.h"
#include "io/env/env.h"
#include "io/store/spool.h"

namespace aigrid::gateway {

class LedgerSpool {
 public:
  // `most_homeless`: records that memory may keep; in use beyond it only by requests that were let in before.
  static Result<std::unique_ptr<LedgerSpool>> open(io::Env& env, const std::string& state, std::string gateway,
                                                   std::size_t most_homeless);

  // `req_<gateway>_<epoch>_<counter>`: unique for ever, names its home gateway.
  std::string next_request_id();
  // Writes the record (identity filled in here). ResourceExhausted when the disk is full: the record is kept in memory
  // and written when there is room.
  Result<void> write(grid::Record record);
  // Tries again to write what is kept in memory.
  Result<void> settle();
  io::Spool& spool() { return *spool_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t written() const { return written_; }
  // Records that the full disk keeps in memory.
  std::size_t homeless() const { return homeless_.size(); }
  // A new request's record might find no place: let none in.
  bool full() const { return homeless_.size() >= most_homeless_; }

 private:
  LedgerSpool(std::string gateway, std::size_t most_homeless)
      : gateway_(std::move(gateway)), most_homeless_(most_homeless) {}
  Result<void> append(grid::Record& record);

  std::string gateway_;
  std::size_t most_homeless_;
  std::uint64_t epoch_ = 0;
  std::uint64_t counter_ = 0;
  std::uint64_t written_ = 0;
  std::unique_ptr<io::Spool> spool_;
  std::deque<grid::Record> homeless_;
};

}  // namespace aigrid::gateway
