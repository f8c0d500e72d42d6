// A naive Merkle tree, straight from the definition, and a store of tiles: what the tests compare with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/crypto/encode.h"
#include "core/audit/proof.h"

namespace aigrid::audit {

// MTH of RFC 6962 §2.1 over leaf hashes.
inline Digest naive_root(const std::vector<Digest>& leaves, std::size_t from, std::size_t to) {
  if (from == to) return empty_root();
  if (to - from == 1) return leaves[from];
  std::size_t k = 1;
  while (k * 2 < to - from) k *= 2;
  return node_hash(naive_root(leaves, from, from + k), naive_root(leaves, from + k, to));
}

// PATH of §2.1.1.
inline Proof naive_path(const std::vector<Digest>& leaves, std::size_t index, std::size_t from, std::size_t to) {
  if (to - from == 1) return {};
  std::size_t k = 1;
  while (k * 2 < to - from) k *= 2;
  const bool left = index < k;
  Proof path = left ? naive_path(leaves, index, from, from + k) : naive_path(leaves, index - k, from + k, to);
  path.push_back(left ? naive_root(leaves, from + k, to) : naive_root(leaves, from, from + k));
  return path;
}

struct TestLog {
  Tree tree;
  std::vector<Digest> leaves;
  std::map<std::string, std::string> tiles;

  void add(std::string_view leaf) {
    std::vector<Tile> filled;
    leaves.push_back(leaf_hash(leaf));
    tree.append(leaves.back(), filled);
    for (auto& tile : filled) tiles[tile_path(tile.name)] = std::move(tile.hashes);
  }
  // Serves every size up to the newest: the beginning of a tile is the tile of a smaller tree.
  TileReader reader() const {
    return [this](const TileName& name) -> Result<std::string> {
      if (auto it = tiles.find(tile_path({name.level, name.number, kTileWidth})); it != tiles.end()) {
        return it->second.substr(0, name.width * kHashBytes);
      }
      std::string edge = tree.edge(name);
      if (edge.empty()) return Error{Code::NotFound, Origin::Self, Retry::Never, "no tile " + tile_path(name)};
      return edge;
    };
  }
};

}  // namespace aigrid::audit
