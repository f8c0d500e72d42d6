// Tree: an append-only Merkle tree (RFC 6962 §2.1: SHA-256, 0x00 before a leaf, 0x01 before a node) kept as tiles of
// 256 hashes (C2SP tlog-tiles): level L, number N holds the roots of 256 subtrees of 256^L leaves each. Only the right
// edge is in memory; full tiles are handed out once, as they fill, and never change. Proofs read tiles back through a
// TileReader. Pure; a Tree has one owner at a time. Errors: InvalidArgument (a size or index outside the tree),
// DataLoss (a tile that is missing, too short or does not fit the edge), and what the reader says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto/hash.h"
#include "base/result.h"

namespace aigrid::audit {

using crypto::Digest;

inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr unsigned kTileHeight = 8;
inline constexpr std::size_t kHashBytes = 32;

Digest leaf_hash(std::string_view leaf);
Digest node_hash(const Digest& left, const Digest& right);
Digest empty_root();
// Of the hashes of a tile, 1 to 256.
Result<Digest> tile_root(std::string_view hashes);
// 32 bytes; others give InvalidArgument.
Result<Digest> digest_of(std::string_view bytes);

struct TileName {
  unsigned level = 0;
  std::uint64_t number = 0;
  std::uint64_t width = kTileWidth;  // 1 … 256; less: the partial tile of one tree size
  bool operator==(const TileName&) const = default;
};
struct Tile {
  TileName name;
  std::string hashes;  // 32 bytes each
};
// The first 32 · width bytes of a tile, or more.
using TileReader = std::function<Result<std::string>(const TileName&)>;

// `0/x001/234.p/5`: level / number in groups of three digits / partial width. `entries/…` for the leaves themselves.
std::string tile_path(const TileName& name);
std::string entries_path(const TileName& name);  // the level is not used
Result<TileName> parse_tile_path(std::string_view path);
// The tiles of one level in a tree of so many leaves, the last one perhaps partial.
std::vector<TileName> tiles_of(unsigned level, std::uint64_t size);
// How many levels have at least one hash.
unsigned levels_of(std::uint64_t size);

class Tree {
 public:
  // The tree of `size` leaves, its edge read from tiles.
  static Result<Tree> load(std::uint64_t size, const TileReader& read);

  // Full tiles that this leaf completed go to the end of `filled`.
  void append(const Digest& leaf, std::vector<Tile>& filled);
  std::uint64_t size() const { return size_; }
  Digest root() const;
  // A tile of the right edge, for reading proofs of the newest tree; empty: not there.
  std::string edge(const TileName& name) const;

 private:
  std::uint64_t size_ = 0;
  std::vector<std::vector<Digest>> edge_;  // by level; each below 256 hashes
};

}  // namespace aigrid::audit
