#include "core/audit/verify.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/crypto/encode.h"
#include "core/audit/distance.h"
#include "core/audit/leaf.h"

namespace aigrid::audit {

namespace {

void look_at_distance(const grid::DistanceLeaf& leaf, const Laws& laws, Looked& out) {
  out.distance = true;
  out.signers = {{leaf.a, leaf.a_key}, {leaf.b, leaf.b_key}};
  out.wrong = judge_signatures(leaf);
  const auto distance = parse_distance(leaf.statement);
  if (!out.wrong.empty() || !distance.ok()) return;
  const auto hash = crypto::from_hex(distance->bundle);
  const auto law = hash.ok() ? laws.find(*hash) : laws.end();
  if (law == laws.end()) {
    out.unjudged = true;
    return;
  }
  const auto* a = law->second->site(distance->a.site);
  const auto* b = law->second->site(distance->b.site);
  out.doubt = a == nullptr || b == nullptr ? "a distance between sites that its bundle does not have"
                                           : judge_light(*distance, *a, *b);
}

void look_at_leaf(const grid::AuditLeaf& leaf, const Laws& laws, Judge& judge, Looked& out) {
  out.source = leaf.source;
  out.epoch = leaf.epoch;
  out.previous = leaf.previous;
  out.unix_ms = leaf.unix_ms;
  out.conflict = std::holds_alternative<grid::ConflictLeaf>(leaf.body);
  out.chained = !out.conflict;
  if (const auto* distance = std::get_if<grid::DistanceLeaf>(&leaf.body)) return look_at_distance(*distance, laws, out);
  const auto* request = std::get_if<grid::RequestLeaf>(&leaf.body);
  if (request == nullptr) return;
  out.request = true;
  out.charge_nano = request->charge_nano;
  out.wrong = judge.judge(*request, out.unjudged);
}

void look(std::string_view entry, const Laws& laws, Judge& judge, Looked& out) {
  if (leaf_hash(entry) != out.hash) {
    out.wrong = "the leaf is not the one that was hashed";
    return;
  }
  const auto leaf = decode_leaf(entry);
  if (!leaf.ok()) {
    out.wrong = leaf.error().message;
  } else {
    look_at_leaf(*leaf, laws, judge, out);
  }
}

}  // namespace

std::vector<Looked> look_at(std::uint64_t width, std::string_view hashes, std::string_view entries, const Laws& laws) {
  const auto parsed = take_entries(entries, width);
  const std::size_t hashed = std::min<std::size_t>(width, hashes.size() / kHashBytes);
  std::vector<Looked> out(std::max(hashed, parsed.size()));
  const bool whole = entries.empty() && parsed.size() == width;
  std::uint64_t withheld = 0;  // directly before this one
  Judge judge(laws);
  for (std::size_t i = 0; i < out.size(); ++i) {
    Looked& one = out[i];
    if (i < hashed) {
      std::memcpy(one.hash.data(), hashes.data() + i * kHashBytes, kHashBytes);
    } else {
      one.hash = leaf_hash(parsed[i]);
    }
    one.withheld = i < parsed.size() && parsed[i].empty();
    if (i >= parsed.size()) one.wrong = "its entry is cut off";
    if (i >= hashed) one.wrong = "its hash is cut off";
    if (one.wrong.empty() && !one.withheld) look(parsed[i], laws, judge, one);
    // A length that became zero moves what comes after it out of its place.
    if (!one.wrong.empty() && !whole) one.before = withheld;
    withheld = one.withheld ? withheld + 1 : 0;
  }
  const bool more = (parsed.size() == width && !whole) || hashes.size() > width * kHashBytes;
  if (more && out.back().wrong.empty()) out.back().wrong = "its tile goes on after it";
  return out;
}

void Verifier::found(std::uint64_t from, std::uint64_t last, std::string what) {
  ++verdict_.found;
  // Enough is enough, but never without the first.
  constexpr std::size_t kEnough = 10'000;
  if (verdict_.findings.size() >= kEnough && last >= verdict_.findings.front().last) return;
  verdict_.findings.push_back({from, last, std::move(what)});
}

void Verifier::checkpoint(std::string_view note, bool remembered) {
  const auto opened = open_checkpoint(note, key_);
  const std::uint64_t end = signed_.empty() ? 0 : signed_.rbegin()->first;
  if (!opened.ok()) {
    found(end, end, "a checkpoint that does not hold: " + opened.error().message);
    return;
  }
  ++verdict_.checkpoints;
  const auto [it, fresh] = signed_.emplace(opened->size, opened->root);
  if (!fresh && it->second != opened->root) {
    found(0, std::max<std::uint64_t>(opened->size, 1) - 1,
          "a fork: two signed roots of size " + std::to_string(opened->size));
  }
  if (remembered) remembered_ = std::max(remembered_, opened->size);
  if (!remembered) verdict_.size = std::max(verdict_.size, opened->size);
}

void Verifier::tile(const std::vector<Looked>& leaves) {
  for (const auto& one : leaves) {
    look_at_checkpoint();
    leaf(one);
  }
}

// The tree has as many leaves as this checkpoint: every checkpoint that fits is the beginning of every later one.
void Verifier::look_at_checkpoint() {
  const auto it = signed_.find(tree_.size());
  if (it == signed_.end()) return;
  if (tree_.root() == it->second) {
    good_ = tree_.size();
  } else {
    const std::uint64_t last = tree_.size() == 0 ? 0 : tree_.size() - 1;
    found(std::min(good_, last), last,
          "the leaves are not those that the checkpoint of size " + std::to_string(it->first) + " signed");
  }
  signed_.erase(it);
}

void Verifier::leaf(const Looked& leaf) {
  const std::uint64_t index = tree_.size();
  ++verdict_.leaves;
  verdict_.withheld += leaf.withheld ? 1 : 0;
  verdict_.requests += leaf.request ? 1 : 0;
  verdict_.unjudged += leaf.unjudged ? 1 : 0;
  verdict_.conflicts += leaf.conflict ? 1 : 0;
  verdict_.distances += leaf.distance ? 1 : 0;
  verdict_.charge_nano += leaf.charge_nano;
  if (!leaf.doubt.empty() && verdict_.doubts.size() < kMostFindings) {
    verdict_.doubts.push_back({index, index, leaf.doubt});
  }
  if (leaf.unix_ms != 0) {
    if (verdict_.first_unix_ms == 0) verdict_.first_unix_ms = leaf.unix_ms;
    verdict_.last_unix_ms = leaf.unix_ms;
  }
  if (leaf.withheld) whole_ = false;
  if (!leaf.wrong.empty()) found(index - leaf.before, index, leaf.wrong);
  if (!leaf.withheld && leaf.source.empty()) unread_.insert(crypto::bytes(leaf.hash));
  if (whole_ && leaf.chained && !leaf.source.empty()) {
    auto& source = sources_[leaf.source];
    const std::string expected = leaf.epoch == source.epoch ? source.hash : std::string();
    if (leaf.epoch < source.epoch) {
      found(index, index, "it is of an epoch of " + leaf.source + " that is over");
    } else if (leaf.previous != expected && !unread_.contains(leaf.previous)) {
      found(source.hash.empty() ? index : source.index, index,
            "the chain of " + leaf.source + " is broken: a leaf is missing, added or another");
    }
    source = {leaf.epoch, crypto::bytes(leaf.hash), index};
  }
  std::vector<Tile> filled;
  tree_.append(leaf.hash, filled);
  for (auto& tile : filled) {
    if (tile.name.level > 0) upper_[{tile.name.level, tile.name.number}] = std::move(tile.hashes);
  }
}

// As much of a tile as the leaves given make.
std::string Verifier::follows(const TileName& name) const {
  if (const auto it = upper_.find({name.level, name.number}); it != upper_.end()) {
    return it->second.substr(0, name.width * kHashBytes);
  }
  const std::uint64_t there = tree_.size() >> (name.level * kTileHeight);
  const std::uint64_t before = name.number * kTileWidth;
  return there <= before ? std::string() : tree_.edge({name.level, name.number, std::min(there - before, name.width)});
}

void Verifier::upper_tile(const TileName& name, std::string_view hashes) {
  const std::string mine = follows(name);
  std::uint64_t at = 0;
  while (at * kHashBytes < mine.size() &&
         mine.compare(at * kHashBytes, kHashBytes, hashes.substr(0, kHashBytes)) == 0) {
    hashes.remove_prefix(kHashBytes);
    ++at;
  }
  if (at * kHashBytes == mine.size()) {
    const std::uint64_t left = name.width - at;
    if (hashes.size() == left * kHashBytes) return;
    at = std::min(at + hashes.size() / kHashBytes, name.width - 1);
  }
  const std::uint64_t below = std::uint64_t{1} << (name.level * kTileHeight);
  const std::uint64_t first = (name.number * kTileWidth + at) * below;
  found(first, first + below - 1, "tile " + tile_path(name) + " does not follow from the leaves");
}

Verdict Verifier::finish() {
  look_at_checkpoint();
  const std::uint64_t leaves = tree_.size();
  if (verdict_.checkpoints == 0) found(0, 0, "no checkpoint: nothing here is signed");
  for (const auto& [size, root] : signed_) {
    if (size > leaves) {
      found(leaves, size - 1,
            "a signed log of " + std::to_string(size) + " leaves, and only " + std::to_string(leaves) + " are here");
    }
  }
  if (verdict_.size < leaves) found(verdict_.size, leaves - 1, "leaves that no checkpoint covers");
  if (remembered_ > verdict_.size) {
    found(verdict_.size, remembered_ - 1,
          "a rollback: the reader has seen a signed log of " + std::to_string(remembered_) + " leaves");
  }
  std::sort(verdict_.findings.begin(), verdict_.findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.last, b.index, a.what) < std::tie(b.last, a.index, b.what);
  });
  if (verdict_.findings.size() > kMostFindings) verdict_.findings.resize(kMostFindings);
  return std::move(verdict_);
}

}  // namespace aigrid::audit
