#include "core/audit/tree.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "core/audit/test_log.h"

namespace aigrid::audit {
namespace {

std::string unhex(std::string_view text) { return *crypto::from_hex(text); }

// The eight leaves and roots that Certificate Transparency implementations have tested themselves with since RFC 6962.
TEST(Tree, KnownRoots) {
  const std::vector<std::string> leaves{
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                       "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                       "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                       "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                       "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                       "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                       "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                       "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  TestLog log;
  EXPECT_EQ(crypto::hex(crypto::view(log.tree.root())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    log.add(unhex(leaves[i]));
    EXPECT_EQ(crypto::hex(crypto::view(log.tree.root())), roots[i]) << i;
  }
}

TEST(Tree, LongLeavesHashLikeShortOnes) {
  for (const std::size_t size : {2046U, 2047U, 2048U, 2049U, 60000U}) {
    const std::string leaf(size, 'x');
    EXPECT_EQ(leaf_hash(leaf), crypto::sha256(std::string(1, '\0') + leaf)) << size;
  }
}

// Every size over two levels of tiles: the root, and the tree loaded again from its tiles, equal the definition.
TEST(Tree, EqualsTheDefinition) {
  TestLog log;
  for (std::size_t n = 1; n <= 70'000; ++n) {
    log.add("leaf " + std::to_string(n));
    const bool look = n < 600 || n % 4099 == 0 || (n >= 65'530 && n <= 65'545);
    if (!look) continue;
    ASSERT_EQ(log.tree.root(), naive_root(log.leaves, 0, n)) << n;
    auto loaded = Tree::load(n, log.reader());
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    ASSERT_EQ(loaded->root(), log.tree.root()) << n;
  }
}

TEST(Tree, LoadRefusesWhatIsNotThere) {
  TestLog log;
  for (int i = 0; i < 300; ++i) log.add(std::to_string(i));
  EXPECT_FALSE(Tree::load(301, log.reader()).ok());
  const TileReader cut = [&](const TileName& name) -> Result<std::string> {
    return log.reader()(name)->substr(0, name.width * kHashBytes - 1);
  };
  EXPECT_EQ(Tree::load(300, cut).error().code, Code::DataLoss);
}

TEST(TilePath, OneForEachTile) {
  EXPECT_EQ(tile_path({0, 0, 256}), "0/000");
  EXPECT_EQ(tile_path({1, 1234067, 256}), "1/x001/x234/067");
  EXPECT_EQ(tile_path({0, 1000, 17}), "0/x001/000.p/17");
  EXPECT_EQ(entries_path({0, 5, 256}), "entries/005");
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const TileName name{static_cast<unsigned>(random.below(8)), random.below(i % 2 ? 3000 : 5'000'000'000ULL),
                        1 + random.below(256)};
    auto parsed = parse_tile_path(tile_path(name));
    ASSERT_TRUE(parsed.ok()) << tile_path(name);
    EXPECT_EQ(*parsed, name);
  }
  for (const char* wrong : {"", "0", "0/", "0/1", "0/01", "00/001", "64/001", "0/x000/001", "0/001/002", "0/x001",
                            "0/1234", "0/001.p/0", "0/001.p/256", "0/001.p/01", "0/001.p/", "-1/001", "0/../001",
                            "entry/001", "0/x999/x999/x999/x999/x999/x999/x999/x999/999"}) {
    EXPECT_FALSE(parse_tile_path(wrong).ok()) << wrong;
  }
}

TEST(Tiles, CoverEveryHash) {
  EXPECT_TRUE(tiles_of(0, 0).empty());
  EXPECT_EQ(tiles_of(0, 256).size(), 1U);
  EXPECT_EQ(tiles_of(0, 257).back(), (TileName{0, 1, 1}));
  EXPECT_EQ(tiles_of(1, 70'000).back(), (TileName{1, 1, 17}));
  EXPECT_EQ(levels_of(255), 1U);
  EXPECT_EQ(levels_of(256), 2U);
}

}  // namespace
}  // namespace aigrid::audit
