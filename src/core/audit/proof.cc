#include "core/audit/proof.h"

#include <bit>

namespace aigrid::audit {

namespace {

std::uint64_t split(std::uint64_t count) { return std::bit_floor(count - 1); }

// Reads hashes of whole subtrees out of the tiles of one tree.
class Hashes {
 public:
  Hashes(std::uint64_t size, const TileReader& read) : size_(size), read_(read) {}

  // Root of leaves [from, to).
  Result<Digest> range(std::uint64_t from, std::uint64_t to) {
    const std::uint64_t count = to - from;
    if (std::has_single_bit(count) && from % count == 0) return whole(std::countr_zero(count), from / count);
    const std::uint64_t middle = from + split(count);
    AIGRID_TRY(const Digest left, range(from, middle));
    AIGRID_TRY(const Digest right, range(middle, to));
    return node_hash(left, right);
  }

 private:
  // The subtree of 2^height leaves with this number, from the 2^d hashes of its tile.
  Result<Digest> whole(int height, std::uint64_t number) {
    const auto level = static_cast<unsigned>(height) / kTileHeight;
    const std::uint64_t count = std::uint64_t{1} << (static_cast<unsigned>(height) % kTileHeight);
    const std::uint64_t first = number * count;
    const std::uint64_t tile = first / kTileWidth;
    const std::uint64_t there = (size_ >> (level * kTileHeight)) - tile * kTileWidth;
    const TileName name{level, tile, std::min(kTileWidth, there)};
    if (!(name == held_name_) || held_.empty()) {
      AIGRID_TRY(held_, read_(name));
      held_name_ = name;
    }
    const std::uint64_t at = first % kTileWidth;
    if (held_.size() < (at + count) * kHashBytes) {
      return Error{Code::DataLoss, Origin::Self, Retry::Never, "tile " + tile_path(name) + " is too short"};
    }
    std::vector<Digest> row;
    for (std::uint64_t i = at; i < at + count; ++i) {
      AIGRID_TRY(const Digest hash, digest_of(std::string_view(held_).substr(i * kHashBytes, kHashBytes)));
      row.push_back(hash);
    }
    while (row.size() > 1) {
      for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
      row.resize(row.size() / 2);
    }
    return row.front();
  }

  std::uint64_t size_;
  const TileReader& read_;
  TileName held_name_;
  std::string held_;
};

Error outside(std::uint64_t what, std::uint64_t size) {
  return invalid(std::to_string(what) + " is outside of a log of " + std::to_string(size) + " leaves");
}

Error refuted(const char* what) { return {Code::PermissionDenied, Origin::Upstream, Retry::Never, what}; }

}  // namespace

Result<Digest> root_at(std::uint64_t size, const TileReader& read) {
  if (size == 0) return empty_root();
  return Hashes(size, read).range(0, size);
}

Result<Proof> prove_inclusion(std::uint64_t index, std::uint64_t size, const TileReader& read) {
  if (index >= size) return outside(index, size);
  Hashes hashes(size, read);
  Proof proof;
  std::uint64_t from = 0;
  std::uint64_t to = size;
  while (to - from > 1) {  // from the root down; the proof is told from the leaf up
    const std::uint64_t middle = from + split(to - from);
    const bool left = index < middle;
    AIGRID_TRY(const Digest other, left ? hashes.range(middle, to) : hashes.range(from, middle));
    proof.push_back(other);
    (left ? to : from) = middle;
  }
  return Proof(proof.rbegin(), proof.rend());
}

Result<Proof> prove_consistency(std::uint64_t older, std::uint64_t newer, const TileReader& read) {
  if (older > newer) return outside(older, newer);
  Proof proof;
  if (older == 0 || older == newer) return proof;
  Hashes hashes(newer, read);
  std::uint64_t from = 0;
  std::uint64_t to = newer;
  while (older != to) {  // older is inside [from, to)
    const std::uint64_t middle = from + split(to - from);
    const bool left = older <= middle;
    AIGRID_TRY(const Digest other, left ? hashes.range(middle, to) : hashes.range(from, middle));
    proof.push_back(other);
    (left ? to : from) = middle;
  }
  if (from != 0) {  // the older tree's last part is a subtree of its own, not its whole
    AIGRID_TRY(const Digest seed, hashes.range(from, to));
    proof.push_back(seed);
  }
  return Proof(proof.rbegin(), proof.rend());
}

Result<void> check_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size, const Digest& root,
                             const Proof& proof) {
  if (index >= size) return outside(index, size);
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Digest r = leaf;
  for (const auto& p : proof) {
    if (sn == 0) return refuted("the inclusion proof is too long");
    if ((fn & 1U) != 0 || fn == sn) {
      r = node_hash(p, r);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0) return refuted("the inclusion proof is too short");
  if (r != root) return refuted("the inclusion proof leads to another root");
  return {};
}

Result<void> check_consistency(std::uint64_t older, const Digest& older_root, std::uint64_t newer,
                               const Digest& newer_root, const Proof& proof) {
  if (older > newer) return outside(older, newer);
  if (older == newer) {
    if (!proof.empty()) return refuted("the consistency proof is too long");
    if (older == 0 && older_root != empty_root()) return refuted("the root of an empty log is another");
    return older_root == newer_root ? Result<void>() : refuted("two roots of one size");
  }
  if (older == 0) return refuted("an empty log is the beginning of every log: that proves nothing");
  std::uint64_t fn = older - 1;
  std::uint64_t sn = newer - 1;
  while ((fn & 1U) != 0) {
    fn >>= 1U;
    sn >>= 1U;
  }
  std::size_t at = 0;
  Digest fr = older_root;
  if (!std::has_single_bit(older)) {
    if (proof.empty()) return refuted("the consistency proof is too short");
    fr = proof[at++];
  }
  Digest sr = fr;
  for (; at < proof.size(); ++at) {
    const Digest& c = proof[at];
    if (sn == 0) return refuted("the consistency proof is too long");
    if ((fn & 1U) != 0 || fn == sn) {
      fr = node_hash(c, fr);
      sr = node_hash(c, sr);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      sr = node_hash(sr, c);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0) return refuted("the consistency proof is too short");
  if (fr != older_root) return refuted("the older log is not the beginning of the newer one");
  if (sr != newer_root) return refuted("the consistency proof leads to another root");
  return {};
}

}  // namespace aigrid::audit
