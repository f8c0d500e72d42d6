#include "app/audit/log.h"

#include <utility>

#include "core/audit/leaf.h"

namespace aigrid::audit {

namespace {

// Conflicts have a source of their own: no gateway can be called this.
constexpr const char* kOwnSource = "(log)";

std::string tenant_of(const grid::AuditLeaf& leaf) {
  const auto* request = std::get_if<grid::RequestLeaf>(&leaf.body);
  return request == nullptr ? std::string() : request->tenant;
}

}  // namespace

TileReader tiles_from(io::Database& database) {
  return [&database](const TileName& name) -> Result<std::string> {
    io::AuditTable table(database);
    AIGRID_TRY(const auto full, table.tile(name.level, name.number));
    if (full) return full->substr(0, name.width * kHashBytes);
    if (name.level == 0) return table.hashes(name.number * kTileWidth, name.width);
    std::string out;  // the edge of an upper level: roots of full tiles below
    for (std::uint64_t i = 0; i < name.width; ++i) {
      AIGRID_TRY(const auto below, table.tile(name.level - 1, name.number * kTileWidth + i));
      if (!below) break;
      AIGRID_TRY(const Digest root, tile_root(*below));
      out += crypto::view(root);
    }
    return out;
  };
}

Result<void> Log::open(io::Database& database) {
  io::AuditTable table(database);
  AIGRID_CHECK_OK(table.prepare());
  AIGRID_TRY(const std::uint64_t size, table.size());
  AIGRID_TRY(tree_, Tree::load(size, tiles_from(database)));
  return {};
}

Result<bool> Log::add(io::AuditTable& table, Tree& tree, io::AuditRow row) {
  row.index = tree.size();
  AIGRID_TRY(const Digest hash, digest_of(row.hash));
  AIGRID_TRY(const bool fresh, table.add(row));
  if (!fresh) return false;
  std::vector<Tile> filled;
  tree.append(hash, filled);
  for (const auto& tile : filled) AIGRID_CHECK_OK(table.put_tile(tile.name.level, tile.name.number, tile.hashes));
  return true;
}

Result<void> Log::take_one(io::AuditTable& table, Tree& tree, const std::string& bytes, std::int64_t unix_ms,
                           Taken& taken) {
  AIGRID_TRY(const grid::AuditLeaf leaf, decode_leaf(bytes));
  const std::string hash = crypto::bytes(leaf_hash(bytes));
  AIGRID_TRY(const bool fresh,
             add(table, tree, {0, leaf.source, leaf.epoch, leaf.sequence, tenant_of(leaf), hash, bytes}));
  if (fresh) {
    ++taken.fresh;
    return {};
  }
  AIGRID_TRY(const auto held, table.find(leaf.source, leaf.epoch, leaf.sequence));
  if (!held) return Error{Code::DataLoss, Origin::Self, Retry::Never, "a leaf that is there is not found"};
  if (held->hash == hash) {
    ++taken.repeated;
    return {};
  }
  ++taken.conflicting;
  AIGRID_TRY(const bool unknown, table.note_conflict(leaf.source, leaf.epoch, leaf.sequence, hash));
  if (!unknown) return {};
  grid::AuditLeaf conflict;
  conflict.source = kOwnSource;
  conflict.sequence = tree.size();
  conflict.unix_ms = unix_ms;
  conflict.salt = leaf.salt;  // it hides nothing that `offered` does not
  conflict.body = grid::ConflictLeaf{leaf.source, leaf.epoch, leaf.sequence, held->hash, hash};
  AIGRID_TRY(const std::string body, encode(conflict));
  AIGRID_TRY([[maybe_unused]] const bool added,
             add(table, tree, {0, kOwnSource, 0, conflict.sequence, {}, crypto::bytes(leaf_hash(body)), body}));
  return {};
}

Result<Taken> Log::take(io::Database& database, const std::vector<std::string>& leaves, std::int64_t unix_ms) {
  io::AuditTable table(database);
  Tree next = tree_;  // stays what it is unless everything is in the database
  Taken taken;
  AIGRID_TRY(auto transaction, database.begin());
  for (const auto& leaf : leaves) AIGRID_CHECK_OK(take_one(table, next, leaf, unix_ms, taken));
  AIGRID_CHECK_OK(transaction.commit());
  tree_ = std::move(next);
  return taken;
}

Result<void> Log::checkpoint(io::Database& database, std::int64_t unix_ms) {
  const Checkpoint now{origin_, tree_.size(), tree_.root(), unix_ms};
  return io::AuditTable(database).put_checkpoint(now.size, sign_note(format_checkpoint(now), origin_, key_));
}

Result<Proven> Log::prove(io::Database& database, std::string_view source, std::uint64_t epoch,
                          std::uint64_t sequence) {
  io::AuditTable table(database);
  AIGRID_TRY(auto row, table.find(source, epoch, sequence));
  if (!row) return Error{Code::NotFound, Origin::Client, Retry::Never, "no such leaf"};
  Proven out;
  out.row = std::move(*row);
  AIGRID_TRY(auto note, table.newest_checkpoint());
  if (!note) return out;
  AIGRID_TRY(const Checkpoint newest, open_checkpoint(*note, public_key()));
  if (newest.size <= out.row.index) return out;
  out.size = newest.size;
  out.checkpoint = std::move(*note);
  AIGRID_TRY(out.proof, prove_inclusion(out.row.index, newest.size, tiles_from(database)));
  return out;
}

}  // namespace aigrid::audit
