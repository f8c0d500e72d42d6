// LedgerSpool: one worker's records: one terminal record per request, in the spool before the last byte leaves, durable
// within a group commit, shipped to control and only then forgotten. Gives requests their ids. One worker.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/dispatch/cadence.h"
#include "grid/usage.h"
#include "io/client/inner_ask.h"
#include "io/env/env.h"
#include "io/store/spool.h"

namespace aigrid::gateway {

class LedgerSpool {
 public:
  struct Place {
    std::string state;  // folder
    std::string gateway;
    std::uint32_t worker = 0;
    std::uint32_t workers = 1;  // what a worker that is no more has left is shipped by one that is
    std::uint64_t epoch = 0;    // of this start of the process
  };
  static Result<std::unique_ptr<LedgerSpool>> open(io::Env& env, const Place& place, const dispatch::Cadence& cadence);

  // `req_<source>_<epoch>_<counter>`: unique for ever, names its home gateway and worker.
  std::string next_request_id();
  // Writes the record (identity filled in here). ResourceExhausted when the disk is full: the record is kept in memory
  // and written when there is room.
  Result<void> write(grid::Record record);
  // Tries again to write what is kept in memory.
  Result<void> settle();
  // All that is written is durable when it returns: for the end of the process.
  io::Task<void> durable();

  // Ships records for ever, as far as control can be reached. The answer is control's, or why there is none.
  using Ship = std::function<io::Task<Result<io::InnerAnswer>>(std::string body)>;
  io::Task<void> run(Ship ship);
  // Control came or went.
  void control_is(bool reached);

  const std::string& source() const { return source_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t written() const { return written_; }
  std::uint64_t backlog() const;  // records not acknowledged by control
  // Records that the full disk keeps in memory.
  std::size_t homeless() const { return homeless_.size(); }
  // A new request's record might find no place: let none in.
  bool full() const { return homeless_.size() >= cadence_.records.most_homeless; }
  // Why control took none of the last batch; empty: it did.
  std::string refused() const;
  std::uint64_t batches_refused() const { return batches_refused_; }

 private:
  struct Lane {
    Lane(io::Env& env, std::unique_ptr<io::Spool> of) : spool(std::move(of)), news(env.executor()) {}
    std::unique_ptr<io::Spool> spool;
    io::Event news;       // control came or went, or it is time to try again
    std::string refused;  // why control took none of the last batch
  };
  LedgerSpool(io::Env& env, const Place& place, const dispatch::Cadence& cadence);
  Result<void> append(grid::Record& record);
  io::Task<void> ship_all(Lane& lane, const Ship& ship);
  io::Task<bool> ship_next(Lane& lane, const Ship& ship);

  io::Env& env_;
  const dispatch::Cadence& cadence_;
  std::string source_;
  std::uint64_t epoch_ = 0;
  std::uint64_t counter_ = 0;
  std::uint64_t written_ = 0;
  bool control_ = false;
  std::uint64_t batches_refused_ = 0;
  std::vector<std::unique_ptr<Lane>> lanes_;  // the first is this worker's own
  std::deque<grid::Record> homeless_;
};

}  // namespace aigrid::gateway
