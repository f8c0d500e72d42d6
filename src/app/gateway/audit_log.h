// AuditLog: the audit log that this gateway keeps, at the place where it stands: what its workers' spools
// (audit_spool.h) give it is put in order, signed, shown to control, proven and exported. Begun when the first bundle
// says in which jurisdiction it is; its name stays until the process ends. Belongs to the main worker. Outlives every
// request.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

namespace aigrid::gateway {

class AuditLog {
 public:
  AuditLog(io::Env& env, const Board& board, const io::Membership& membership, std::string state,
           const dispatch::Cadence& cadence);

  // Call after every bundle change; the first one begins the log. Blocking then. Errors: those of the disk.
  Result<void> law_changed();

  // They are in the log, under its signature, when it returns; those that are there already stay as they are.
  io::Task<Result<void>> take(std::vector<std::string> leaves);
  // Shows each new checkpoint to control, for ever, and keeps it with control's signature.
  using AskControl = std::function<io::Task<Result<io::InnerAnswer>>(std::string body)>;
  io::Task<void> show(AskControl ask);
  // The leaf, proven in a signed tree: signs one now where it is needed. NotFound: no such leaf here. Unavailable: the
  // log is not there.
  io::Task<Result<audit::Proven>> prove(grid::Receipt receipt);
  // A file of its export: as audit::export_part, or `bundles/HASH`.
  io::Task<Result<std::string>> part(std::string which);

  // Once it has begun.
  bool begun() const { return door_ != nullptr; }
  audit::NoteKey key() const { return log_->public_key(); }
  std::string sign(std::string_view text) const { return log_->sign(text); }
  // Whom control lets read the whole log with this pass. Errors: those of audit::open_pass.
  Result<audit::Pass> reader(std::string_view pass) const;
  std::uint64_t not_witnessed() const { return not_witnessed_; }

 private:
  Result<void> begin();
  Result<crypto::SigningKey> load_or_make_key();
  io::Task<Result<std::optional<audit::WitnessAsk>>> next_shown();
  io::Task<Result<void>> shown(const io::InnerAnswer& answer);

  io::Env& env_;
  const Board& board_;
  const io::Membership& membership_;
  std::string state_;
  const dispatch::Cadence& cadence_;
  std::string name_;
  std::string folder_;
  std::shared_ptr<audit::Log> log_;  // shared with calls that may outlive us
  std::unique_ptr<io::DatabaseDoor> door_;
  std::uint64_t witnessed_ = 0;  // the size that control has seen
  bool agreed_ = false;          // since the start, that this is the log it has seen
  std::uint64_t not_witnessed_ = 0;
};

}  // namespace aigrid::gateway
