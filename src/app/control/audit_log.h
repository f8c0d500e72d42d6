// AuditLog: the log that control keeps of what admins change, named `control`; and the witness of the gateways' logs.
// Changes of the configuration are taken from the database's own list of changes, each once, also those of a process
// that died; what else admins do is noted before they are answered. One worker; a database of its own. Outlives every
// connection's task.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/audit/log.h"
#include "app/audit/witness.h"
#include "app/control/authority.h"
#include "app/control/catalog.h"
#include "grid/receipt.h"

namespace aigrid::control {

// What an admin did.
struct AdminAct {
  std::string actor;
  std::string action;
  std::string object;
  std::string change;
};

class AuditLog {
 public:
  // `epoch`: of this start. Blocking: for start-up.
  static Result<std::unique_ptr<AuditLog>> open(io::Env& env, const std::string& state, const Authority& authority,
                                                std::uint64_t epoch);

  // Follows the configuration for ever. `door`: the one to the configuration's database.
  io::Task<void> follow(Catalog& catalog, io::DatabaseDoor& door, std::size_t batch);
  // In the log when it returns.
  io::Task<Result<void>> note(AdminAct act);
  // As audit::export_part.
  io::Task<Result<std::string>> part(std::string which);

  // A gateway shows its log. Errors: those of audit::witness; what is refused is a leaf of this log.
  io::Task<Result<audit::Witnessed>> witness(std::string gateway, audit::WitnessAsk ask);
  struct Seen {
    std::string gateway;
    audit::Witnessed log;
  };
  io::Task<Result<std::vector<Seen>>> witnessed();

  // To read whole logs with, at every gateway.
  std::string pass_for(const std::string& admin, std::int64_t until_unix_s) const;
  std::string bundles_key() const;
  std::uint64_t refused() const { return refused_; }  // logs that did not go on from what was seen

 private:
  AuditLog(io::Env& env, const Authority& authority, std::uint64_t epoch, crypto::SigningKey key,
           std::shared_ptr<io::Database> database);
  Result<void> begin(io::Database& database);
  grid::AuditLeaf leaf_of(AdminAct act, std::string source, std::uint64_t epoch, std::uint64_t sequence);
  io::Task<Result<void>> take(std::vector<grid::AuditLeaf> leaves);
  io::Task<Result<void>> take_changes(io::DatabaseDoor& door, std::size_t batch, bool& more);

  io::Env& env_;
  const Authority& authority_;
  std::uint64_t epoch_;
  crypto::SigningKey key_;
  std::shared_ptr<audit::Log> log_;
  io::DatabaseDoor door_;
  io::Turns turns_;             // leaves of a source go in one after the other
  std::uint64_t followed_ = 0;  // revision
  std::string previous_change_;
  std::string previous_act_;
  std::uint64_t acts_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace aigrid::control
