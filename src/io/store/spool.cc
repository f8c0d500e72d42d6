#include "io/store/spool.h"

#include <algorithm>

#include "base/crypto/encode.h"
#include "io/store/segment.h"

namespace aigrid::io {

// A coroutine in durable(); leaves the list when its frame dies.
class Spool::Waiting {
 public:
  Waiting(Spool& spool, std::uint64_t sequence) : event(spool.env_.executor()), sequence(sequence), spool_(spool) {
    spool_.waiting_.push_back(this);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { std::erase(spool_.waiting_, this); }

  Event event;
  std::uint64_t sequence;
  bool settled = false;
  Result<void> result;

 private:
  Spool& spool_;
};

Spool::Spool(Env& env, std::string folder, SpoolOptions options)
    : env_(env),
      folder_(std::move(folder)),
      options_(options),
      dirty_(env.executor()),
      readable_(env.executor()),
      tasks_(env.executor()) {}

std::string Spool::segment_name_of(std::uint64_t first) { return segment_name(first); }

Result<std::unique_ptr<Spool>> Spool::open(Env& env, std::string folder, SpoolOptions options) {
  std::unique_ptr<Spool> spool(new Spool(env, std::move(folder), options));
  AIGRID_CHECK_OK(spool->load());
  spool->tasks_.spawn(spool->commit_for_ever());
  return spool;
}

Result<void> Spool::load() {
  AIGRID_CHECK_OK(env_.files().make_folders(folder_));
  AIGRID_TRY(const auto names, env_.files().list(folder_));
  for (const auto& name : names) {
    const auto first = parse_segment_name(name);
    if (!first) continue;
    AIGRID_TRY(const Stat stat, env_.files().stat(folder_ + "/" + name));
    segments_.push_back({*first, stat.size});
  }
  std::sort(segments_.begin(), segments_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  AIGRID_TRY(mark_, env_.files().open(folder_ + "/acked", OpenMode::Create));
  load_acked();
  if (segments_.empty()) {
    segments_.push_back({acked_ + 1, 0});
    AIGRID_CHECK_OK(env_.files().replace(path_of(segments_.back()), ""));
  }
  AIGRID_CHECK_OK(open_last());
  // What was durable stays acknowledged only as far as it exists.
  acked_ = std::clamp(acked_, segments_.front().first - 1, next_ - 1);
  cursor_ = acked_ + 1;
  if (durable_ >= cursor_) readable_.set();
  return {};
}

Result<void> Spool::open_last() {
  Segment& last = segments_.back();
  AIGRID_TRY(tail_, env_.files().open(path_of(last), OpenMode::ReadWrite));
  AIGRID_TRY(const SegmentScan scan, scan_segment(*tail_, options_.max_record));
  if (scan.good_bytes < scan.file_bytes) {
    repaired_bytes_ = scan.file_bytes - scan.good_bytes;
    env_.log().warn("spool_repaired", {{"folder", folder_}, {"bytes", repaired_bytes_}});
    AIGRID_CHECK_OK(tail_->truncate(scan.good_bytes));
  }
  // What the last process wrote may not be durable yet, and is about to be shown as such.
  if (scan.file_bytes != 0) AIGRID_CHECK_OK(tail_->sync_now());
  last.bytes = durable_bytes_ = scan.good_bytes;
  next_ = last.first + scan.records;
  durable_ = next_ - 1;
  return {};
}

// The mark is written in place and not synced: a lost or torn one only makes records go out again, and the receiver
// knows them by (source, epoch, sequence).
void Spool::load_acked() {
  char bytes[kFrameHead + 8];
  auto got = mark_->read_at(0, bytes);
  if (!got.ok() || *got == 0) return;
  auto record = read_frame(*mark_, 0, 8);
  if (!record.ok() || !*record || (*record)->size() != 8) {
    env_.log().warn("spool_mark_lost", {{"folder", folder_}});
    return;
  }
  for (char c : **record) acked_ = (acked_ << 8U) | static_cast<unsigned char>(c);
}

std::uint64_t Spool::disk_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& s : segments_) sum += s.bytes;
  return sum;
}

Result<std::uint64_t> Spool::append(std::string_view record) {
  if (record.empty() || record.size() > options_.max_record) {
    return invalid("a spool record has 1 to " + std::to_string(options_.max_record) + " bytes, not " +
                   std::to_string(record.size()));
  }
  if (options_.max_bytes != 0 && disk_bytes() + kFrameHead + record.size() > options_.max_bytes) {
    return Error{Code::ResourceExhausted, Origin::Self, Retry::Elsewhere,
                 "spool " + folder_ + " holds its limit of " + std::to_string(options_.max_bytes) +
                     " bytes: nothing goes on until its records are acknowledged"};
  }
  Pending entry{next_, {}, false};
  append_frame(entry.frame, record);
  if (!rotating_) {
    AIGRID_CHECK_OK(write_pending());  // order on disk is order of sequence
    if (auto wrote = tail_->write_at(segments_.back().bytes, entry.frame); !wrote.ok()) {
      (void)tail_->truncate(segments_.back().bytes);  // best effort: recovery cuts it off too
      Error error = std::move(wrote).error();
      if (error.code == Code::ResourceExhausted) {
        error.message = "spool " + folder_ + " cannot grow, the disk is full: free some space (" + error.message + ")";
      }
      return error;
    }
    segments_.back().bytes += entry.frame.size();
    entry.written = true;
  }
  pending_.push_back(std::move(entry));
  dirty_.set();
  return next_++;
}

Result<void> Spool::write_pending() {
  for (auto& p : pending_) {
    if (p.written) continue;
    AIGRID_CHECK_OK(tail_->write_at(segments_.back().bytes, p.frame));
    segments_.back().bytes += p.frame.size();
    p.written = true;
  }
  return {};
}

Task<Result<void>> Spool::durable(std::uint64_t sequence) {
  if (sequence <= durable_) co_return Result<void>();
  if (sequence >= next_) co_return invalid("spool record " + std::to_string(sequence) + " was never written");
  Waiting self(*this, sequence);
  while (!self.settled) co_await self.event.wait();
  co_return std::move(self.result);
}

void Spool::settle(std::uint64_t upto, const Result<void>& result) {
  for (Waiting* w : waiting_) {
    if (w->settled || w->sequence > upto) continue;
    w->settled = true;
    w->result = result;
    w->event.set();
  }
}

Task<void> Spool::commit_for_ever() {
  for (;;) {
    co_await dirty_.wait();
    co_await env_.sleep_for(options_.gather);
    while (!pending_.empty()) {
      const Result<void> done = co_await commit();
      if (done.ok()) continue;
      env_.log().fail("spool_commit_failed", {{"folder", folder_}, {"why", done.error().message}});
      co_await env_.sleep_for(options_.retry);
    }
  }
}

// One write-and-fsync of all that is pending now. After a failed fsync nobody knows which pages reached the disk, so
// everything since the last good one is written again.
Task<Result<void>> Spool::commit() {
  const std::uint64_t upto = pending_.back().sequence;
  std::uint64_t bytes = 0;
  Result<void> done = write_pending();
  if (done.ok()) {
    bytes = segments_.back().bytes;
    done = co_await tail_->sync();
  }
  if (!done.ok()) {
    for (auto& p : pending_) p.written = false;
    segments_.back().bytes = durable_bytes_;
    settle(upto, done);
    co_return done;
  }
  while (!pending_.empty() && pending_.front().sequence <= upto) pending_.pop_front();
  durable_ = upto;
  durable_bytes_ = bytes;
  settle(upto, done);
  readable_.set();
  // Begun only when the old file is whole and durable, so that only the last segment can have a torn tail.
  if (segments_.back().bytes >= options_.segment_bytes && pending_.empty()) co_return co_await rotate();
  co_return done;
}

Task<Result<void>> Spool::rotate() {
  const Segment fresh{next_, 0};
  const std::string path = path_of(fresh);
  Result<void> made;
  rotating_ = true;
  {
    // The thread may outlive this frame: it owns what it touches.
    auto outcome = std::make_shared<Result<void>>();
    Files* files = &env_.files();
    auto make = [outcome, files, path] { *outcome = files->replace(path, ""); };
    co_await env_.blocking(make);
    made = *outcome;
  }
  rotating_ = false;
  if (!made.ok()) co_return made;
  auto file = env_.files().open(path, OpenMode::ReadWrite);
  if (!file.ok()) co_return std::move(file).error();
  tail_ = std::move(*file);
  segments_.push_back(fresh);
  durable_bytes_ = 0;
  co_return drop_acked();
}

void Spool::rewind() {
  cursor_ = acked_ + 1;
  cursor_file_.reset();
  if (durable_ >= cursor_) readable_.set();
}

Task<void> Spool::readable() {
  while (cursor_ > durable_) co_await readable_.wait();
}

// Opens the segment of the cursor and walks to its record.
Result<void> Spool::seek_cursor() {
  auto segment = std::upper_bound(segments_.begin(), segments_.end(), cursor_,
                                  [](std::uint64_t s, const Segment& g) { return s < g.first; });
  --segment;  // the first one begins at or below acked_ + 1
  AIGRID_TRY(cursor_file_, env_.files().open(path_of(*segment), OpenMode::Read));
  cursor_segment_ = segment->first;
  cursor_offset_ = 0;
  for (std::uint64_t s = segment->first; s < cursor_; ++s) {
    auto record = read_frame(*cursor_file_, cursor_offset_, options_.max_record);
    if (!record.ok()) return std::move(record).error();
    if (!*record) return Error{Code::DataLoss, Origin::Self, Retry::Never, "spool segment ends early"};
    cursor_offset_ += kFrameHead + (*record)->size();
  }
  return {};
}

Result<std::vector<SpoolEntry>> Spool::read(std::size_t max_records, std::size_t max_bytes) {
  std::vector<SpoolEntry> out;
  std::size_t bytes = 0;
  while (cursor_ <= durable_ && out.size() < max_records && bytes < max_bytes) {
    Result<std::optional<std::string>> record = std::optional<std::string>();
    if (!cursor_file_) {
      if (auto found = seek_cursor(); !found.ok()) record = std::move(found).error();
    }
    if (record.ok()) record = read_frame(*cursor_file_, cursor_offset_, options_.max_record);
    if (!record.ok() && record.error().code != Code::DataLoss) return std::move(record).error();
    if (record.ok() && *record) {
      cursor_offset_ += kFrameHead + (*record)->size();
      bytes += (*record)->size();
      out.push_back({cursor_++, std::move(**record)});
      continue;
    }
    // The end of a segment, or a record that is not intact any more: on to the next segment.
    auto after = std::upper_bound(segments_.begin(), segments_.end(), cursor_segment_,
                                  [](std::uint64_t s, const Segment& g) { return s < g.first; });
    const std::uint64_t resume = after == segments_.end() ? durable_ + 1 : after->first;
    if (resume > cursor_) {
      skipped_ += resume - cursor_;
      env_.log().fail("spool_records_lost", {{"folder", folder_}, {"from", cursor_}, {"upto", resume - 1}});
    }
    cursor_ = resume;
    cursor_file_.reset();
  }
  return out;
}

Result<void> Spool::ack(std::uint64_t sequence) {
  if (sequence > durable_) {
    return invalid("spool record " + std::to_string(sequence) + " was acknowledged but never shipped: the newest is " +
                   std::to_string(durable_));
  }
  if (sequence <= acked_) return {};
  acked_ = sequence;
  if (cursor_ <= acked_) {
    cursor_ = acked_ + 1;
    cursor_file_.reset();
  }
  std::string mark;
  std::string number(8, '\0');
  for (unsigned i = 0; i < 8; ++i) number[i] = static_cast<char>((acked_ >> (56U - 8U * i)) & 0xffU);
  append_frame(mark, number);
  auto wrote = mark_->write_at(0, mark);
  // A full disk cannot take the mark; deleting what was acknowledged is what makes room.
  AIGRID_CHECK_OK(drop_acked());
  return wrote;
}

Result<void> Spool::drop_acked() {
  while (segments_.size() > 1 && segments_[1].first <= acked_ + 1) {
    if (cursor_segment_ == segments_.front().first) cursor_file_.reset();
    AIGRID_CHECK_OK(env_.files().remove(path_of(segments_.front())));
    segments_.pop_front();
  }
  return {};
}

}  // namespace aigrid::io
