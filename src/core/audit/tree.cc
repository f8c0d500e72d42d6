#include "core/audit/tree.h"

#include <algorithm>
#include <cstring>

namespace aigrid::audit {

namespace {

Error lost(const TileName& name, const std::string& why) {
  return {Code::DataLoss, Origin::Self, Retry::Never, "tile " + tile_path(name) + " " + why};
}

// Root of a whole number of hashes, 1 … 256, split as RFC 6962 splits.
Digest root_of(const Digest* hashes, std::size_t count) {
  if (count == 1) return hashes[0];
  std::size_t left = 1;
  while (left * 2 < count) left *= 2;
  return node_hash(root_of(hashes, left), root_of(hashes + left, count - left));
}

std::string path_of(std::string head, std::uint64_t number, std::uint64_t width) {
  std::string digits = std::to_string(number);
  digits.insert(0, (3 - digits.size() % 3) % 3, '0');
  for (std::size_t at = 0; at < digits.size(); at += 3) {
    head += at + 3 < digits.size() ? "/x" : "/";
    head.append(digits, at, 3);
  }
  if (width != kTileWidth) head += ".p/" + std::to_string(width);
  return head;
}

// A plain decimal without leading zeros.
bool take_decimal(std::string_view text, std::uint64_t most, std::uint64_t& out) {
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text.front() == '0')) return false;
  out = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return out <= most;
}

}  // namespace

Digest leaf_hash(std::string_view leaf) {
  // One piece for what is usual: the digest of a short text costs less than a context.
  constexpr std::size_t kOnStack = 2048;
  if (leaf.size() < kOnStack) {
    char bytes[kOnStack];
    bytes[0] = 0;
    if (!leaf.empty()) std::memcpy(bytes + 1, leaf.data(), leaf.size());
    return crypto::sha256({bytes, leaf.size() + 1});
  }
  return crypto::Hasher().add(std::string_view("\0", 1)).add(leaf).finish();
}

Digest node_hash(const Digest& left, const Digest& right) {
  char bytes[1 + 2 * kHashBytes];
  bytes[0] = 1;
  std::memcpy(bytes + 1, left.data(), kHashBytes);
  std::memcpy(bytes + 1 + kHashBytes, right.data(), kHashBytes);
  return crypto::sha256({bytes, sizeof bytes});
}

Digest empty_root() { return crypto::sha256({}); }

Result<Digest> digest_of(std::string_view bytes) {
  if (bytes.size() != kHashBytes) return invalid("a hash has 32 bytes, not " + std::to_string(bytes.size()));
  Digest out;
  std::memcpy(out.data(), bytes.data(), kHashBytes);
  return out;
}

Result<Digest> tile_root(std::string_view hashes) {
  if (hashes.empty() || hashes.size() % kHashBytes != 0 || hashes.size() > kTileWidth * kHashBytes) {
    return invalid("a tile has 1 to 256 hashes of 32 bytes, not " + std::to_string(hashes.size()) + " bytes");
  }
  std::vector<Digest> row(hashes.size() / kHashBytes);
  std::memcpy(row.data(), hashes.data(), hashes.size());
  return root_of(row.data(), row.size());
}

std::string tile_path(const TileName& name) { return path_of(std::to_string(name.level), name.number, name.width); }

std::string entries_path(const TileName& name) { return path_of("entries", name.number, name.width); }

Result<TileName> parse_tile_path(std::string_view path) {
  const auto wrong = [&] {
    return invalid("\"" + std::string(path.substr(0, 80)) +
                   "\" is not the path of a tile: level/number or entries/number, the number in groups of three digits"
                   " (x001/234), at the end .p/WIDTH for a partial one");
  };
  TileName name;
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return wrong();
  const std::string_view level = path.substr(0, slash);
  std::uint64_t value = 0;
  if (level != "entries" && !take_decimal(level, 63, value)) return wrong();
  name.level = static_cast<unsigned>(value);
  std::string_view rest = path.substr(slash + 1);
  if (const std::size_t partial = rest.find(".p/"); partial != std::string_view::npos) {
    if (!take_decimal(rest.substr(partial + 3), kTileWidth - 1, name.width) || name.width == 0) return wrong();
    rest = rest.substr(0, partial);
  }
  if (rest.size() > 24) return wrong();
  for (;;) {
    const bool more = rest.starts_with('x');
    if (more) rest.remove_prefix(1);
    if (rest.size() < 3) return wrong();
    for (char c : rest.substr(0, 3)) {
      if (c < '0' || c > '9') return wrong();
      name.number = name.number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    rest.remove_prefix(3);
    if (!more) break;
    if (!rest.starts_with('/')) return wrong();
    rest.remove_prefix(1);
  }
  if (!rest.empty()) return wrong();
  // One path per tile: x000/001 is not another name of 001.
  if ((level == "entries" ? entries_path(name) : tile_path(name)) != path) return wrong();
  return name;
}

std::vector<TileName> tiles_of(unsigned level, std::uint64_t size) {
  std::vector<TileName> out;
  if (level * kTileHeight >= 64) return out;
  const std::uint64_t hashes = size >> (level * kTileHeight);
  for (std::uint64_t n = 0; n * kTileWidth < hashes; ++n) {
    out.push_back({level, n, std::min(kTileWidth, hashes - n * kTileWidth)});
  }
  return out;
}

unsigned levels_of(std::uint64_t size) {
  unsigned levels = 0;
  for (; size != 0; size >>= kTileHeight) ++levels;
  return levels;
}

Result<Tree> Tree::load(std::uint64_t size, const TileReader& read) {
  Tree tree;
  tree.size_ = size;
  tree.edge_.resize(levels_of(size));
  for (unsigned level = 0; level < tree.edge_.size(); ++level) {
    const std::uint64_t hashes = size >> (level * kTileHeight);
    const std::uint64_t width = hashes % kTileWidth;
    if (width == 0) continue;
    const TileName name{level, hashes / kTileWidth, width};
    AIGRID_TRY(const std::string bytes, read(name));
    if (bytes.size() < width * kHashBytes) return lost(name, "is too short");
    for (std::uint64_t i = 0; i < width; ++i) {
      AIGRID_TRY(const Digest hash, digest_of(std::string_view(bytes).substr(i * kHashBytes, kHashBytes)));
      tree.edge_[level].push_back(hash);
    }
  }
  return tree;
}

void Tree::append(const Digest& leaf, std::vector<Tile>& filled) {
  ++size_;
  Digest carry = leaf;
  for (unsigned level = 0;; ++level) {
    if (edge_.size() <= level) edge_.emplace_back();
    auto& hashes = edge_[level];
    hashes.push_back(carry);
    if (hashes.size() < kTileWidth) return;
    Tile tile{{level, (size_ >> (level * kTileHeight)) / kTileWidth - 1, kTileWidth}, {}};
    tile.hashes.reserve(kTileWidth * kHashBytes);
    for (const auto& h : hashes) tile.hashes += crypto::view(h);
    carry = root_of(hashes.data(), hashes.size());
    hashes.clear();
    filled.push_back(std::move(tile));
  }
}

// From the right: the smallest subtrees first, each joined to the left of what is there.
Digest Tree::root() const {
  bool any = false;
  Digest root = empty_root();
  for (const auto& hashes : edge_) {
    std::size_t left = hashes.size();
    // The hashes of one level are a whole subtree for each bit of their count, the largest first.
    for (std::size_t bit = 1; left != 0; bit *= 2) {
      if ((left & bit) == 0) continue;
      left -= bit;
      const Digest part = root_of(hashes.data() + left, bit);
      root = any ? node_hash(part, root) : part;
      any = true;
    }
  }
  return root;
}

std::string Tree::edge(const TileName& name) const {
  if (name.level >= edge_.size()) return {};
  const std::uint64_t hashes = size_ >> (name.level * kTileHeight);
  if (hashes / kTileWidth != name.number || name.width > edge_[name.level].size()) return {};
  std::string out;
  for (std::uint64_t i = 0; i < name.width; ++i) out += crypto::view(edge_[name.level][i]);
  return out;
}

}  // namespace aigrid::audit
