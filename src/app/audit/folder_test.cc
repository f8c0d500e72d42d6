// The judgement of an exported log: what is whole passes, whatever was changed is found and named.
#include "app/audit/folder.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "app/audit/test_folder.h"

namespace aigrid::audit {
namespace {

using test::Folder;

FolderVerdict judge(const Folder& folder, const VerifyOptions& options) {
  auto verdict = verify_folder(test::reader_of(folder), options);
  EXPECT_TRUE(verdict.ok()) << verdict.error().message;
  return std::move(*verdict);
}

std::string told(const FolderVerdict& v) {
  std::string out;
  for (const auto& p : v.problems) out += p + "\n";
  for (const auto& l : v.logs) {
    for (const auto& f : l.verdict.findings)
      out += std::to_string(f.index) + "…" + std::to_string(f.last) + " " + f.what + "\n";
  }
  return out;
}

bool names(const FolderVerdict& v, std::uint64_t index) {
  if (v.logs.empty() || v.logs[0].verdict.findings.empty()) return false;
  const auto& first = v.logs[0].verdict.findings.front();
  return first.index <= index && index <= first.last;
}

TEST(VerifyFolder, WholeAndLawful) {
  const Folder folder = test::folder_of(test::leaves(1300, 1));
  const auto verdict = judge(folder, test::trusting(folder));
  EXPECT_TRUE(verdict.ok()) << told(verdict);
  ASSERT_EQ(verdict.logs.size(), 1U);
  EXPECT_EQ(verdict.logs[0].verdict.requests, 1300U);
  EXPECT_EQ(verdict.logs[0].verdict.unjudged, 0U);
  EXPECT_EQ(verdict.logs[0].verdict.checkpoints, 4U);
  EXPECT_EQ(verdict.bundles, 1U);
}

// A leaf changed before it was logged: the log is sound, what it says is not lawful.
struct Lie {
  const char* what;
  void (*tell)(grid::RequestLeaf&);
  const char* found;
};

TEST(VerifyFolder, UnlawfulDecisionsAreNamed) {
  const std::vector<Lie> lies{
      {"abroad", [](grid::RequestLeaf& r) { r.attempts[0].site = "s2"; }, "went to s2, where it may not"},
      {"answered abroad", [](grid::RequestLeaf& r) { r.route[1].site = "s2"; }, "answered from s2, where no attempt"},
      {"came in abroad", [](grid::RequestLeaf& r) { r.route[0].site = "s2"; }, "came in at s2, where it may not"},
      {"logged abroad", [](grid::RequestLeaf& r) { r.route[2].site = "s2"; }, "came in at s2, where it may not"},
      {"a step of its own", [](grid::RequestLeaf& r) { r.route[2].action = "publish"; }, "none that this program"},
      {"never asked", [](grid::RequestLeaf& r) { r.attempts.clear(); }, "no attempt went anywhere"},
      {"denied for nothing",
       [](grid::RequestLeaf& r) {
         r.attempts.clear();
         r.route.resize(1);
         r.removed.clear();
         r.outcome = grid::Outcome::Refused;
         r.code = "data_residency_mismatch";
         r.usage = {};
         r.charge_nano = 0;
       },
       "was denied for residency"},
      {"not the tokens", [](grid::RequestLeaf& r) { r.attempts.back().completion_tokens += 3; }, "its attempts make"},
      {"unknown place", [](grid::RequestLeaf& r) { r.attempts[0].site = "moon"; }, "went to moon"},
      {"zone asked for", [](grid::RequestLeaf& r) { r.zones = {"nowhere"}; }, "where it may not"},
      {"overcharged", [](grid::RequestLeaf& r) { r.charge_nano += 1; }, "its charge is"},
      {"other price", [](grid::RequestLeaf& r) { r.output_nano = 0; }, "those in force were"},
      {"no such attempt",
       [](grid::RequestLeaf& r) {
         r.attempts.resize(1);
         r.attempts[0].site = r.route[1].site == "s0" ? "s1" : "s0";
       },
       "where no attempt went"},
      {"order", [](grid::RequestLeaf& r) { r.attempts.push_back(r.attempts.back()); }, "not in order"},
  };
  for (const auto& lie : lies) {
    auto leaves = test::leaves(40, 2);
    std::map<std::string, std::string> previous;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      auto leaf = *decode_leaf(leaves[i]);
      leaf.previous = previous[leaf.source];
      auto& request = std::get<grid::RequestLeaf>(leaf.body);
      if (i == 17) {
        request.tenant = "mairie";
        lie.tell(request);
      }
      leaves[i] = *encode(leaf);
      previous[leaf.source] = crypto::bytes(leaf_hash(leaves[i]));
    }
    const Folder folder = test::folder_of(leaves);
    const auto verdict = judge(folder, test::trusting(folder));
    EXPECT_FALSE(verdict.ok()) << lie.what;
    ASSERT_EQ(verdict.logs[0].verdict.found, 1U) << lie.what << "\n" << told(verdict);
    EXPECT_EQ(verdict.logs[0].verdict.findings[0].index, 17U);
    EXPECT_NE(told(verdict).find(lie.found), std::string::npos) << lie.what << ": " << told(verdict);
  }
}

// A reader's own export: what is another's is withheld, its hash still proven.
TEST(VerifyFolder, WithheldLeavesAreProvenUnseen) {
  const auto leaves = test::leaves(600, 3);
  Folder folder = test::folder_of(leaves);
  for (auto& [path, text] : folder) {
    if (path.find("/entries/") == std::string::npos) continue;
    std::string kept;
    const auto entries = parse_entries(text);
    for (const auto entry : *entries) {
      const auto leaf = decode_leaf(entry);
      append_entry(kept, std::get<grid::RequestLeaf>(leaf->body).tenant == "mairie" ? entry : std::string_view());
    }
    text = kept;
  }
  const auto verdict = judge(folder, test::trusting(folder));
  EXPECT_TRUE(verdict.ok()) << told(verdict);
  EXPECT_GT(verdict.logs[0].verdict.withheld, 100U);
  EXPECT_EQ(verdict.logs[0].verdict.withheld + verdict.logs[0].verdict.requests, 600U);
}

TEST(VerifyFolder, MissingBundleIsSaid) {
  Folder folder = test::folder_of(test::leaves(20, 4));
  std::erase_if(folder, [](const auto& file) { return file.first.starts_with("bundles/"); });
  EXPECT_EQ(judge(folder, {}).logs[0].verdict.unjudged, 20U);
}

TEST(VerifyFolder, KeysThatAreNotTrustedAreSaid) {
  const Folder folder = test::folder_of(test::leaves(20, 5));
  VerifyOptions options = test::trusting(folder);
  options.keys[0] = format_key({test::kOrigin, crypto::SigningKey::from_seed(std::string(32, 'x'))->public_key()});
  EXPECT_FALSE(judge(folder, options).ok());
  EXPECT_FALSE(judge({{"keys", ""}}, {}).ok());
  EXPECT_FALSE(judge({{"keys", "nonsense\n"}}, {}).ok());
  EXPECT_FALSE(verify_folder(test::reader_of({}), {}).ok());
}

// One campaign of tampering: an attacker who can write every file and cannot sign.
class Tamper {
 public:
  Tamper(std::uint64_t count, std::uint64_t seed)
      : random_(seed),
        leaves_(test::leaves(count, seed)),
        folder_(test::folder_of(leaves_)),
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
    const std::size_t tile = path.find("/tile/");
    if (tile == std::string::npos) return {};
    const auto name = *parse_tile_path(std::string_view(path).substr(tile + 6));
    std::uint64_t index = name.number * kTileWidth;
    if (path.find("/entries/") != std::string::npos) {
      // A length that does not fit makes the whole bundle unreadable: then its first leaf is what is named.
      std::uint64_t leaf = index;
      std::size_t end = 0;
      const auto entries = parse_entries(text);
      for (const auto entry : *entries) {
        end += 2 + entry.size();
        if (at < end) break;
        ++leaf;
      }
      if (names(verdict, leaf) || names(verdict, index)) return {};
    } else {
      index = (index + at / kHashBytes) << (name.level * kTileHeight);
      if (names(verdict, index)) return {};
    }
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
    Folder folder = folder_;
    auto path = paths_[random_.below(paths_.size())];
    std::string& text = folder[path];
    text.resize(random_.below(text.size()));
    if (random_.below(4) == 0) folder.erase(path);
    const auto verdict = verify_folder(test::reader_of(folder), options_);
    return verdict.ok() && verdict->ok() ? "a truncation of " + path : std::string();
  }
  // An older, rightly signed state of the log.
  std::string roll_back() {
    const std::size_t kept = 1 + random_.below(leaves_.size() - 1);
    const Folder folder = test::folder_of({leaves_.begin(), leaves_.begin() + static_cast<std::ptrdiff_t>(kept)});
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
    const auto verdict = judged(test::folder_of(changed));
    return !verdict.ok() && names(verdict, at) ? std::string()
                                               : "a fork at " + std::to_string(at) + ": " + told(verdict);
  }

 private:
  // What was said of tiles that are as they were, under the same law, is taken over: a long campaign judges its leaves
  // once and builds the tree each time.
  FolderVerdict judged(const Folder& folder, bool first = false) {
    const bool same_law = std::all_of(law_.begin(), law_.end(), [&folder](const auto& file) {
      return folder.contains(file.first) && folder.at(file.first) == file.second;
    });
    const auto judge = FolderJudge::open(test::reader_of(folder), options_);
    EXPECT_TRUE(judge.ok());
    FolderJudge::Batch batch;
    while ((*judge)->load(batch)) {
      for (std::size_t i = 0; i < batch.parts.size(); ++i) {
        auto& part = batch.parts[i];
        const auto known = known_.find(part.name.number);
        if (same_law && known != known_.end() && known->second.hashes == part.hashes &&
            known->second.entries == part.entries) {
          part.looked = known->second.looked;
        } else {
          (*judge)->look(batch, i);
        }
      }
      (*judge)->take(batch);
      for (std::size_t i = 0; first && i < batch.parts.size(); ++i) {
        known_[batch.parts[i].name.number] = batch.parts[i];
      }
    }
    return (*judge)->finish();
  }

  // All tiles made anew from other leaves; the checkpoints are the old ones, as nobody else can sign.
  std::string rewritten(const std::vector<std::string>& changed, std::size_t at, const char* what) {
    Folder folder = test::folder_of(changed);
    for (const char* file : {"log/FR.g0/checkpoint", "log/FR.g0/checkpoints.json"}) folder[file] = folder_.at(file);
    const auto verdict = judged(folder);
    if (!verdict.ok() && names(verdict, at)) return {};
    return std::string(what) + " at " + std::to_string(at) + ": " + told(verdict);
  }

  Random random_;
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
