// An attacker who can write every file of an exported log and cannot sign: whatever was changed is found and named.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "app/audit/test_folder.h"

namespace aigrid::audit {
namespace {

using test::Folder;
using test::told;

// What is named first ends first: of a change that is in no single leaf, its range has it.
bool names(const FolderVerdict& v, std::uint64_t index) {
  if (v.logs.empty() || v.logs[0].verdict.findings.empty()) return false;
  const auto& first = v.logs[0].verdict.findings.front();
  return first.index <= index && index <= first.last;
}
bool begins_at(const FolderVerdict& v, std::uint64_t index) {
  return names(v, index) && v.logs[0].verdict.findings.front().index == index;
}

// Where an entry begins in its bundle.
std::size_t start_of(std::string_view bundle, std::size_t entry) {
  std::string_view rest = bundle;
  (void)take_entries(rest, entry);
  return bundle.size() - rest.size();
}

// The first leaf that a byte of a file of a log stands for, of files as they were; nothing: the file is no tile.
std::optional<std::uint64_t> leaf_of(const std::string& path, std::string_view text, std::size_t at) {
  const std::size_t tile = path.find("/tile/");
  if (tile == std::string::npos) return {};
  const auto name = *parse_tile_path(std::string_view(path).substr(tile + 6));
  if (path.find("/entries/") == std::string::npos) {
    return (name.number * kTileWidth + at / kHashBytes) << (name.level * kTileHeight);
  }
  std::string_view before = text.substr(0, at);
  return name.number * kTileWidth + take_entries(before, kTileWidth).size();
}

// A log of 3,000 leaves: the tile of level 1 has 11 hashes. Changed is the bundle of the leaves 1280 … 1535, or the
// hashes of these.
const std::string kTiles = "log/FR.g0/tile/";
const std::string kEntries = kTiles + "entries/005";
const std::string kHashes = kTiles + "0/005";
const std::string kUpper = kTiles + "1/000.p/11";

void cut_entries(Folder& f) { f[kEntries].resize(start_of(f[kEntries], 100) + 5); }
void cut_hashes(Folder& f) { f[kHashes].resize(100 * kHashBytes + 7); }
void cut_both(Folder& f) { cut_entries(f), cut_hashes(f); }
void flip(std::string& text, std::size_t at) { text[at] = static_cast<char>(text[at] ^ 1); }

struct Cut {
  const char* what;
  void (*make)(Folder&);
  std::uint64_t first;   // leaf that is named
  std::uint64_t judged;  // leaves
};

TEST(Tamper, WhatCannotBeReadIsNamedAndBlamesNothingElse) {
  const std::vector<Cut> cuts{
      {"a length too long", [](Folder& f) { f[kEntries][start_of(f[kEntries], 100)] = '\x7f'; }, 1380, 3000},
      {"a length of nothing", [](Folder& f) { f[kEntries].replace(start_of(f[kEntries], 100), 2, 2, '\0'); }, 1380,
       3000},
      {"cut entries", cut_entries, 1380, 3000},
      {"no entries", [](Folder& f) { f.erase(kEntries); }, 1280, 3000},
      {"more entries", [](Folder& f) { f[kEntries] += "x"; }, 1535, 3000},
      {"cut hashes", cut_hashes, 1380, 3000},
      {"no hashes", [](Folder& f) { f.erase(kHashes); }, 1280, 3000},
      {"more hashes", [](Folder& f) { f[kHashes] += "x"; }, 1535, 3000},
      {"both cut", cut_both, 1380, 1380},
      {"neither there", [](Folder& f) { f.erase(kEntries), f.erase(kHashes); }, 1280, 1280},
      {"both cut, and above leaves before", [](Folder& f) { cut_both(f), flip(f[kUpper], 2 * kHashBytes); }, 512, 1380},
      {"both cut, and above leaves behind", [](Folder& f) { cut_both(f), flip(f[kUpper], 7 * kHashBytes); }, 1380,
       1380},
      {"a cut upper tile", [](Folder& f) { f[kUpper].resize(3 * kHashBytes + 1); }, 768, 3000},
      {"no upper tile", [](Folder& f) { f.erase(kUpper); }, 0, 3000},
      {"more in the upper tile", [](Folder& f) { f[kUpper] += "x"; }, 2560, 3000},
      {"the hash before a checkpoint", [](Folder& f) { flip(f[kHashes], 219 * kHashBytes); }, 1499, 3000},
  };
  const Folder folder = test::folder_of(test::leaves(3000, 6));
  for (const auto& cut : cuts) {
    Folder changed = folder;
    cut.make(changed);
    const auto verdict = verify_folder(test::reader_of(changed), test::trusting(folder));
    ASSERT_TRUE(verdict.ok());
    EXPECT_FALSE(verdict->ok()) << cut.what;
    EXPECT_TRUE(begins_at(*verdict, cut.first)) << cut.what << ": " << told(*verdict);
    EXPECT_EQ(verdict->logs[0].verdict.leaves, cut.judged) << cut.what;
  }
}

// One campaign of tampering: an attacker who can write every file and cannot sign.
class Tamper {
 public:
  Tamper(std::uint64_t count, std::uint64_t seed)
      : random_(seed),
        every_(std::max<std::uint64_t>(500, count / 50)),
        leaves_(test::leaves(count, seed)),
        folder_(test::folder_of(leaves_, every_)),
        options_(test::trusting(folder_)) {
    for (const auto& [path, text] : folder_) paths_.push_back(path);
    options_.checkpoints = {folder_.at("log/FR.g0/checkpoint")};
    for (const auto& file : folder_) {
      if (!file.first.starts_with("log/")) law_.insert(file);
    }
    EXPECT_TRUE(judged(folder_, true).ok());
  }

  // Each returns what went unseen, or nothing.
  std::string flip_any() {
    const std::string& path = paths_[random_.below(paths_.size())];
    std::string& text = folder_[path];
    const std::size_t at = random_.below(text.size());
    const auto bit = static_cast<char>(1U << random_.below(8));
    text[at] = static_cast<char>(text[at] ^ bit);
    const auto verdict = judged(folder_);
    text[at] = static_cast<char>(text[at] ^ bit);
    if (verdict.ok()) return "a flip at byte " + std::to_string(at) + " of " + path;
    const auto leaf = leaf_of(path, text, at);
    if (!leaf || begins_at(verdict, *leaf)) return {};
    return "the index of a flip at byte " + std::to_string(at) + " of " + path + ": " + told(verdict);
  }
  std::string remove() {
    auto changed = leaves_;
    const std::size_t at = random_.below(changed.size());
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
    return rewritten(changed, at, "a deletion");
  }
  std::string swap() {
    auto changed = leaves_;
    std::size_t a = random_.below(changed.size());
    std::size_t b = random_.below(changed.size());
    if (a == b) return {};
    std::swap(changed[a], changed[b]);
    return rewritten(changed, std::min(a, b), "a swap");
  }
  std::string change() {
    auto changed = leaves_;
    const std::size_t at = random_.below(changed.size());
    auto leaf = *decode_leaf(changed[at]);
    std::get<grid::RequestLeaf>(leaf.body).total_us += 1;
    changed[at] = *encode(leaf);
    return rewritten(changed, at, "a changed leaf");
  }
  std::string truncate() {
    const std::string& path = paths_[random_.below(paths_.size())];
    const auto file = folder_.find(path);
    const std::string text = file->second;
    const std::size_t at = random_.below(4) == 0 ? 0 : random_.below(text.size());
    if (at == 0) {
      folder_.erase(file);
    } else {
      file->second.resize(at);
    }
    const auto verdict = judged(folder_);
    folder_[path] = text;
    if (verdict.ok()) return "a truncation of " + path;
    const auto leaf = leaf_of(path, text, at);
    if (!leaf || begins_at(verdict, *leaf)) return {};
    return "the index of a truncation at byte " + std::to_string(at) + " of " + path + ": " + told(verdict);
  }
  // An older, rightly signed state of the log.
  std::string roll_back() {
    const std::size_t kept = 1 + random_.below(leaves_.size() - 1);
    const Folder folder =
        test::folder_of({leaves_.begin(), leaves_.begin() + static_cast<std::ptrdiff_t>(kept)}, every_);
    const auto verdict = judged(folder);
    return !verdict.ok() && names(verdict, kept) ? std::string() : "a rollback to " + std::to_string(kept);
  }
  // Another history, signed by the log's own key.
  std::string fork() {
    auto changed = leaves_;
    const std::size_t at = random_.below(changed.size());
    auto leaf = *decode_leaf(changed[at]);
    leaf.salt[0] = static_cast<char>(leaf.salt[0] ^ 1);
    changed[at] = *encode(leaf);
    const auto verdict = judged(test::folder_of(changed, every_));
    return !verdict.ok() && names(verdict, at) ? std::string()
                                               : "a fork at " + std::to_string(at) + ": " + told(verdict);
  }

 private:
  // What was said of tiles that are as they were, under the same law, is taken over: a long campaign judges its leaves
  // once. All files are read, and the tree is built, each time.
  FolderVerdict judged(const Folder& folder, bool first = false) {
    const bool same_law = std::all_of(law_.begin(), law_.end(), [&folder](const auto& file) {
      return folder.contains(file.first) && folder.at(file.first) == file.second;
    });
    const auto judge = FolderJudge::open(test::reader_of(folder), options_);
    if (!judge.ok()) return {};
    FolderJudge::Batch batch;
    while ((*judge)->load(batch)) {
      for (std::size_t i = 0; i < batch.parts.size(); ++i) {
        auto& part = batch.parts[i];
        const auto known = known_.find(part.name.number);
        if (same_law && known != known_.end() && known->second.name == part.name &&
            known->second.hashes == part.hashes && known->second.entries == part.entries) {
          part.looked = std::move(known->second.looked);  // lent, not copied
        } else {
          (*judge)->look(batch, i);
        }
      }
      (*judge)->take(batch);
      for (auto& part : batch.parts) {
        auto& known = known_[part.name.number];
        if (first) {
          known = std::move(part);
        } else if (known.looked.empty()) {
          known.looked = std::move(part.looked);
        }
      }
    }
    return (*judge)->finish();
  }

  // All tiles made anew from other leaves; the checkpoints are the old ones, as nobody else can sign.
  std::string rewritten(const std::vector<std::string>& changed, std::size_t at, const char* what) {
    Folder folder = test::folder_of(changed, every_);
    for (const char* file : {"log/FR.g0/checkpoint", "log/FR.g0/checkpoints.json"}) folder[file] = folder_.at(file);
    const auto verdict = judged(folder);
    if (!verdict.ok() && names(verdict, at)) return {};
    return std::string(what) + " at " + std::to_string(at) + ": " + told(verdict);
  }

  Random random_;
  std::uint64_t every_;  // so many leaves a checkpoint
  std::vector<std::string> leaves_;
  Folder folder_;
  VerifyOptions options_;
  std::vector<std::string> paths_;
  Folder law_;                                               // keys and bundles as they were
  std::map<std::uint64_t, FolderJudge::Batch::Part> known_;  // by number of the tile
};

// AIGRID_TAMPER_LEAVES and AIGRID_TAMPER_ROUNDS make it long; ./dev drill tamper sets them.
TEST(Tamper, EveryChangeIsFoundAndNamed) {
  const auto number = [](const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
  };
  const std::uint64_t leaves = number("AIGRID_TAMPER_LEAVES", 1'100);
  const std::uint64_t mix = number("AIGRID_TAMPER_MIX", 20);  // of so many, six are not flips
  const std::uint64_t rounds = number("AIGRID_TAMPER_ROUNDS", 400);
  Tamper tamper(leaves, number("AIGRID_TAMPER_SEED", 1));
  std::map<std::string, std::uint64_t> tried;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    std::string unseen;
    switch (round % mix) {
      case 0: unseen = tamper.remove(), ++tried["deletions"]; break;
      case 1: unseen = tamper.swap(), ++tried["swaps"]; break;
      case 2: unseen = tamper.change(), ++tried["changed leaves"]; break;
      case 3: unseen = tamper.truncate(), ++tried["truncations"]; break;
      case 4: unseen = tamper.roll_back(), ++tried["rollbacks"]; break;
      case 5: unseen = tamper.fork(), ++tried["forks"]; break;
      default: unseen = tamper.flip_any(), ++tried["flips"];
    }
    ASSERT_EQ(unseen, "") << "round " << round;
  }
  for (const auto& [what, count] : tried) RecordProperty(what, static_cast<int>(count));
}

}  // namespace
}  // namespace aigrid::audit
