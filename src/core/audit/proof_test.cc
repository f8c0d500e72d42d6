#include "core/audit/proof.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "core/audit/test_log.h"

namespace aigrid::audit {
namespace {

TestLog log_of(std::size_t size) {
  TestLog log;
  for (std::size_t i = 0; i < size; ++i) log.add("leaf " + std::to_string(i));
  return log;
}

TEST(Inclusion, EveryLeafOfEverySmallTree) {
  const TestLog log = log_of(70);
  for (std::size_t n = 1; n <= 70; ++n) {
    const Digest root = naive_root(log.leaves, 0, n);
    for (std::size_t i = 0; i < n; ++i) {
      auto proof = prove_inclusion(i, n, log.reader());
      ASSERT_TRUE(proof.ok()) << proof.error().message;
      ASSERT_EQ(*proof, naive_path(log.leaves, i, 0, n)) << i << " of " << n;
      ASSERT_TRUE(check_inclusion(log.leaves[i], i, n, root, *proof).ok());
      ASSERT_FALSE(check_inclusion(log.leaves[i], (i + 1) % (n + 1), n, root, *proof).ok() && n > 1);
    }
  }
}

TEST(Consistency, EveryPairOfSmallTrees) {
  const TestLog log = log_of(70);
  std::vector<Digest> roots;
  for (std::size_t n = 0; n <= 70; ++n) roots.push_back(naive_root(log.leaves, 0, n));
  for (std::size_t n = 0; n <= 70; ++n) {
    for (std::size_t m = 0; m <= n; ++m) {
      auto proof = prove_consistency(m, n, log.reader());
      ASSERT_TRUE(proof.ok()) << m << " " << n << proof.error().message;
      const bool says = m > 0 || n == 0;
      ASSERT_EQ(check_consistency(m, roots[m], n, roots[n], *proof).ok(), says) << m << " " << n;
      if (m == 0) continue;
      ASSERT_FALSE(check_consistency(m, roots[m - 1], n, roots[n], *proof).ok()) << m << " " << n;
      ASSERT_FALSE(check_consistency(m, roots[m], n, roots[(n + 1) % 71], *proof).ok()) << m << " " << n;
    }
  }
}

// Trees of several levels of tiles; any changed bit, a hash too many or too few: refuted.
TEST(Proof, LargeTreesAndDamage) {
  const TestLog log = log_of(70'000);
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t n = 2 + random.below(69'999);
    const std::uint64_t i = random.below(n);
    const Digest root = *root_at(n, log.reader());
    auto inclusion = prove_inclusion(i, n, log.reader());
    ASSERT_TRUE(inclusion.ok()) << inclusion.error().message;
    ASSERT_TRUE(check_inclusion(log.leaves[i], i, n, root, *inclusion).ok());
    const std::uint64_t m = 1 + random.below(n - 1);
    const Digest older = *root_at(m, log.reader());
    auto consistency = prove_consistency(m, n, log.reader());
    ASSERT_TRUE(consistency.ok()) << consistency.error().message;
    ASSERT_TRUE(check_consistency(m, older, n, root, *consistency).ok()) << m << " " << n;
    for (Proof* proof : {&*inclusion, &*consistency}) {
      const auto holds = [&] {
        return proof == &*inclusion ? check_inclusion(log.leaves[i], i, n, root, *proof).ok()
                                    : check_consistency(m, older, n, root, *proof).ok();
      };
      if (proof->empty()) continue;
      auto& hash = (*proof)[random.below(proof->size())];
      const std::size_t byte = random.below(32);
      const auto bit = static_cast<std::uint8_t>(1U << random.below(8));
      hash[byte] ^= bit;
      ASSERT_FALSE(holds());
      hash[byte] ^= bit;
      const Digest last = proof->back();
      proof->pop_back();
      ASSERT_FALSE(holds());
      proof->push_back(last);
      proof->push_back(last);
      ASSERT_FALSE(holds());
      proof->pop_back();
      ASSERT_TRUE(holds());
    }
  }
  EXPECT_EQ(*root_at(70'000, log.reader()), log.tree.root());
}

TEST(Proof, OutsideIsSaid) {
  const TestLog log = log_of(5);
  EXPECT_EQ(prove_inclusion(5, 5, log.reader()).error().message, "5 is outside of a log of 5 leaves");
  EXPECT_FALSE(prove_consistency(6, 5, log.reader()).ok());
  EXPECT_FALSE(check_inclusion(log.leaves[0], 0, 0, log.tree.root(), {}).ok());
}

}  // namespace
}  // namespace aigrid::audit
