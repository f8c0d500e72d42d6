// Spool: an append-only queue of records on disk, between the process that makes them and the place that must get every
// one. Sequences start at 1 and go on over restarts. A record is *written* when append() returns, *durable* after the
// next group commit (fsync, at most `gather` + one fsync later), readable when durable, and gone some time after it was
// acknowledged. A tail torn by a crash is cut off at open(). A full disk is ResourceExhausted from append(); nothing is
// half written, and append() works again once there is room. Thread contract: one worker. Lifetime: the Env outlives
// it; it outlives every task made from it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/env/env.h"

namespace aigrid::io {

struct SpoolOptions {
  std::size_t segment_bytes = std::size_t{8} << 20U;  // a new file is begun beyond it
  std::size_t max_record = std::size_t{1} << 20U;
  std::uint64_t max_bytes = 0;  // of all segments together; 0: as much as the disk holds
  Duration gather = 2ms;        // how long a group commit waits for company
  Duration retry = 100ms;       // after a failed write or fsync
};

struct SpoolEntry {
  std::uint64_t sequence = 0;
  std::string bytes;
};

class Spool {
 public:
  // Makes `folder` where it is missing. Blocking: for start-up.
  static Result<std::unique_ptr<Spool>> open(Env& env, std::string folder, SpoolOptions options = {});

  // Its sequence. InvalidArgument: empty or longer than max_record; ResourceExhausted: no room, nothing was written.
  Result<std::uint64_t> append(std::string_view record);
  // Returns when the record is durable, or with the error of the commit that failed; it is then tried again by itself.
  Task<Result<void>> durable(std::uint64_t sequence);
  std::uint64_t next_sequence() const { return next_; }
  std::uint64_t durable_sequence() const { return durable_; }

  // The next durable records behind the cursor (which starts at the oldest unacknowledged one); empty: none yet.
  Result<std::vector<SpoolEntry>> read(std::size_t max_records, std::size_t max_bytes);
  // Returns when read() would give something. One waiter.
  Task<void> readable();
  // Puts the cursor back to the oldest unacknowledged record: after a lost connection.
  void rewind();
  // All up to and including `sequence` have arrived; whole segments of such are deleted. Never goes back.
  Result<void> ack(std::uint64_t sequence);
  std::uint64_t acked_sequence() const { return acked_; }
  std::uint64_t backlog() const { return next_ - 1 - acked_; }  // records not acknowledged

  // What open() had to cut off, and what read() had to skip because it was not intact any more.
  std::uint64_t repaired_bytes() const { return repaired_bytes_; }
  std::uint64_t skipped_records() const { return skipped_; }
  std::uint64_t disk_bytes() const;

 private:
  struct Segment {
    std::uint64_t first = 1;
    std::uint64_t bytes = 0;
  };
  struct Pending {  // not durable yet
    std::uint64_t sequence;
    std::string frame;
    bool written;
  };
  class Waiting;

  Spool(Env& env, std::string folder, SpoolOptions options);
  Result<void> load();
  Result<void> open_last();
  void load_acked();
  std::string path_of(const Segment& segment) const { return folder_ + "/" + segment_name_of(segment.first); }
  static std::string segment_name_of(std::uint64_t first);
  Result<void> write_pending();
  Task<void> commit_for_ever();
  Task<Result<void>> commit();
  Task<Result<void>> rotate();
  void settle(std::uint64_t upto, const Result<void>& result);
  Result<void> drop_acked();
  Result<void> seek_cursor();

  Env& env_;
  std::string folder_;
  SpoolOptions options_;
  std::deque<Segment> segments_;  // ascending; the last one is written to
  std::unique_ptr<File> tail_;
  std::unique_ptr<File> mark_;  // the acknowledged watermark
  std::deque<Pending> pending_;
  bool rotating_ = false;  // appends stay in memory while the next file is made
  std::uint64_t next_ = 1;
  std::uint64_t durable_ = 0;
  std::uint64_t durable_bytes_ = 0;  // of the last segment
  std::uint64_t acked_ = 0;
  std::uint64_t repaired_bytes_ = 0;
  std::uint64_t skipped_ = 0;
  // Cursor of read(): the next record to give, and where it stands; no file: to be looked for.
  std::uint64_t cursor_ = 1;
  std::uint64_t cursor_offset_ = 0;
  std::uint64_t cursor_segment_ = 0;  // `first` of it
  std::unique_ptr<File> cursor_file_;
  std::vector<Waiting*> waiting_;
  Event dirty_;
  Event readable_;
  TaskGroup tasks_;  // last: its frames use everything above
};

}  // namespace aigrid::io
