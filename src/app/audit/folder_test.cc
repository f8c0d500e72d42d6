// The judgement of an exported log: what is whole and lawful passes, what is not is named.
#include "app/audit/folder.h"

#include <gtest/gtest.h>

#include "app/audit/test_folder.h"

namespace aigrid::audit {
namespace {

using test::Folder;
using test::told;

FolderVerdict judge(const Folder& folder, const VerifyOptions& options) {
  auto verdict = verify_folder(test::reader_of(folder), options);
  EXPECT_TRUE(verdict.ok()) << verdict.error().message;
  return std::move(*verdict);
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

}  // namespace
}  // namespace aigrid::audit
