// AuditLog: the audit log that this gateway keeps, at the place where it stands: leaves lie in a spool before the last
// byte of their answer leaves, durable within a group commit; a task takes them from there into the log (app/audit),
// signs it, and keeps the bundles that they were decided under. Begun when the first bundle says in which jurisdiction
// it is; its name, `<jurisdiction>.<gateway>`, stays until the process ends. One worker: another's leaves come as
// messages. Outlives every request.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/audit/log.h"
#include "app/audit/witness.h"
#include "app/gateway/board.h"
#include "core/audit/pass.h"
#include "core/dispatch/cadence.h"
#include "grid/receipt.h"
#include "io/client/inner_ask.h"
#include "io/client/renewal.h"
#include "io/store/spool.h"

namespace aigrid::gateway {

using Generations = std::vector<std::shared_ptr<const Generation>>;

class AuditLog {
 public:
  AuditLog(io::Env& env, const Board& board, const io::Membership& membership, std::string state,
           const dispatch::Cadence& cadence);

  // Call after every bundle change; the first one begins the log. Blocking then. Errors: those of the disk.
  Result<void> law_changed();
  // It has begun, and what it is told will be written.
  bool open() const { return !name_.empty() && homeless_.size() < cadence_.records.most_homeless; }
  // Empty until it has begun.
  const std::string& name() const { return name_; }
  std::string receipt(const std::string& request_id) const;

  // Its place in the chain of its source is filled in here. `under`: what it was decided under.
  void append(grid::AuditLeaf leaf, const Generations& under);
  // SHA-256 of the certificate that this gateway proves itself with.
  const std::string& certificate();

  // Until the task is destroyed.
  io::Task<void> run();
  // Shows each new checkpoint to control, for ever, and keeps it with control's signature.
  using AskControl = std::function<io::Task<Result<io::InnerAnswer>>(std::string body)>;
  io::Task<void> show(AskControl ask);
  // What is in the spool is durable when it returns: for the end of the process.
  io::Task<void> settle();
  // The leaf, proven in a signed tree: signs one now where it is needed. NotFound: no such leaf. Unavailable: the log
  // is not there, or behind.
  io::Task<Result<audit::Proven>> prove(grid::Receipt receipt);
  // A file of its export: as audit::export_part, or `bundles/HASH`.
  io::Task<Result<std::string>> part(std::string which);

  audit::NoteKey key() const { return log_->public_key(); }
  std::string sign(std::string_view text) const { return log_->sign(text); }
  // Whom control lets read the whole log with this pass. Errors: those of audit::open_pass.
  Result<audit::Pass> reader(std::string_view pass) const;
  std::uint64_t leaves() const { return leaves_; }
  std::uint64_t behind() const { return spool_ ? spool_->backlog() + homeless_.size() : 0; }
  std::uint64_t lost() const { return lost_; }
  std::uint64_t not_witnessed() const { return not_witnessed_; }

 private:
  Result<void> begin();
  std::string bundle_path(const std::string& hash) const;
  Result<crypto::SigningKey> load_or_make_key();
  void write(std::string leaf);
  void keep(const Generations& under);
  io::Task<Result<void>> take_next();
  io::Task<bool> caught_up();
  io::Task<Result<std::optional<audit::WitnessAsk>>> next_shown();
  io::Task<Result<void>> shown(const io::InnerAnswer& answer);

  io::Env& env_;
  const Board& board_;
  const io::Membership& membership_;
  std::string state_;
  const dispatch::Cadence& cadence_;
  std::string name_;
  std::string folder_;
  std::unique_ptr<io::Spool> spool_;
  std::shared_ptr<audit::Log> log_;  // shared with calls that may outlive us
  std::unique_ptr<io::DatabaseDoor> door_;
  std::map<std::string, std::string> previous_;  // by source: the hash of its last leaf
  std::deque<std::string> homeless_;             // a full disk keeps them in memory
  std::set<std::string> kept_;                   // hashes of bundles that are on the disk
  std::string certificate_;
  std::uint64_t certificate_of_ = 0;  // renewal
  std::uint64_t leaves_ = 0;
  std::uint64_t lost_ = 0;       // that could not be written at all
  std::uint64_t witnessed_ = 0;  // the size that control has seen
  bool agreed_ = false;          // since the start, that this is the log it has seen
  std::uint64_t not_witnessed_ = 0;
  io::Event wanted_;
};

}  // namespace aigrid::gateway
