// Log: one audit log as its keeper holds it: leaves in the order in which they came, the Merkle tree over them, signed
// checkpoints. A leaf that is known already is not taken again; the same name with another hash is kept as a conflict,
// never dropped. What take() has accepted is durable. Thread contract: that of the Database, which every call is given
// (see io::DatabaseDoor); one Log to a Database. Errors: those of Database; InvalidArgument (a leaf nobody can read).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/audit/note.h"
#include "core/audit/proof.h"
#include "io/store/audit_table.h"
#include "io/store/database_door.h"

namespace aigrid::audit {

struct Taken {
  std::uint64_t fresh = 0;
  std::uint64_t repeated = 0;
  std::uint64_t conflicting = 0;
};

// A leaf and how to find it in the newest signed tree.
struct Proven {
  io::AuditRow row;
  std::uint64_t size = 0;  // of that tree; 0: the leaf is younger than it
  Proof proof;
  std::string checkpoint;
};

class Log {
 public:
  Log(std::string origin, crypto::SigningKey key) : origin_(std::move(origin)), key_(std::move(key)) {}

  // Prepares the tables and reads the edge of the tree.
  Result<void> open(io::Database& database);

  Result<Taken> take(io::Database& database, const std::vector<std::string>& leaves, std::int64_t unix_ms);
  // Signs the tree as it is now.
  Result<void> checkpoint(io::Database& database, std::int64_t unix_ms);
  // NotFound: no such leaf.
  Result<Proven> prove(io::Database& database, std::string_view source, std::uint64_t epoch, std::uint64_t sequence);

  const std::string& origin() const { return origin_; }
  std::string sign(std::string_view text) const { return key_.sign(text); }
  NoteKey public_key() const { return {origin_, key_.public_key()}; }

 private:
  // False: there is one of its name already.
  Result<bool> add(io::AuditTable& table, Tree& tree, io::AuditRow row);
  Result<void> take_one(io::AuditTable& table, Tree& tree, const std::string& leaf, std::int64_t unix_ms, Taken& taken);

  std::string origin_;
  crypto::SigningKey key_;
  Tree tree_;
};

// Tiles of any tree that this log ever was, out of its tables.
TileReader tiles_from(io::Database& database);

}  // namespace aigrid::audit
