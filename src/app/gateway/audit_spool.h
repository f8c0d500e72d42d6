// AuditSpool: the leaves that one worker writes for the audit log of its gateway (audit_log.h). A leaf lies in a spool
// before the last byte of its answer leaves, durable within a group commit; a task takes them from there to the log,
// which belongs to the main worker. Begun when the first bundle says in which jurisdiction the log is; the log's name,
// `<jurisdiction>.<gateway>`, stays until the process ends. One worker; outlives every request.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/gateway/badge.h"
#include "app/gateway/board.h"
#include "core/dispatch/cadence.h"
#include "grid/receipt.h"
#include "io/store/spool.h"

namespace aigrid::gateway {

using Generations = std::vector<std::shared_ptr<const Generation>>;

// Where the log of a gateway lies under its state folder, and what it is called, by the bundle in force.
std::string audit_log_name(const Board& board);
std::string audit_folder(const std::string& state, const std::string& log);
// Of the bundle with this hash.
std::string audit_bundle_path(const std::string& folder, const std::string& hash);

class AuditSpool {
 public:
  // Gives leaves to the log: they are in it when it returns. Twice the same ones are there once.
  using Take = std::function<io::Task<Result<void>>(std::vector<std::string> leaves)>;

  // `workers`: how many the process has; what a worker that is no more has left is taken on by one that is.
  AuditSpool(io::Env& env, const Board& board, const Badge& badge, std::string state, std::uint32_t worker,
             std::uint32_t workers, const dispatch::Cadence& cadence, Take take);

  // Call after every bundle change, and again where it failed; the first one begins. Blocking then. Errors: of the
  // disk.
  Result<void> law_changed();
  // The log itself has begun: what is written here will be in it.
  void log_begun() { log_begun_ = true; }
  // Both have begun, and what it is told will be written.
  bool open() const { return log_begun_ && !name_.empty() && homeless_.size() < cadence_.records.most_homeless; }
  // Of the log; empty until it has begun.
  const std::string& name() const { return name_; }
  std::string receipt(const std::string& request_id) const;

  // Its place in the chain of its source is filled in here. `under`: what it was decided under.
  void append(grid::AuditLeaf leaf, const Generations& under);
  // SHA-256 of the certificate that this gateway proves itself with.
  const std::string& certificate() const { return badge_.certificate; }

  // Until the task is destroyed.
  io::Task<void> run();
  // Has the log all that was appended here before, and what others had left? Waits for it a while.
  io::Task<bool> flushed();
  // What is in the spool is durable when it returns: for the end of the process.
  io::Task<void> settle();

  std::uint64_t leaves() const { return leaves_; }
  std::uint64_t behind() const;
  std::uint64_t lost() const { return lost_; }

 private:
  Result<void> begin();
  void keep(const Generations& under);
  void write_homeless();
  io::Task<Result<void>> take_next(io::Spool& spool);
  io::Task<void> empty(io::Spool& spool);

  io::Env& env_;
  const Board& board_;
  const Badge& badge_;
  std::string state_;
  std::uint32_t worker_;
  std::uint32_t workers_;
  const dispatch::Cadence& cadence_;
  Take take_;
  bool log_begun_ = false;
  std::string name_;
  std::string folder_;
  std::unique_ptr<io::Spool> spool_;
  std::vector<std::unique_ptr<io::Spool>> left_;  // by workers that are no more
  std::map<std::string, std::string> previous_;   // by source: the hash of its last leaf
  std::deque<std::string> homeless_;              // a full disk keeps them in memory
  std::set<std::string> kept_;                    // hashes of bundles that are on the disk
  std::uint64_t leaves_ = 0;
  std::uint64_t lost_ = 0;  // that could not be written at all
  io::Event wanted_;
};

}  // namespace aigrid::gateway
