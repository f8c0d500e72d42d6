// What a loss of power leaves: exactly what was synced, and of what was only appended since, a beginning.
#include <gtest/gtest.h>

#include "base/random.h"
#include "io/env/virtual_world.h"

namespace aigrid::io {
namespace {

// Writes, appends, cuts and syncs at random; `synced` is a copy made at every sync.
void scribble(File& file, Random& random, std::string& now, std::string& synced, bool append_only) {
  for (int step = 0; step < 40; ++step) {
    const std::string bytes(1 + random.below(30), static_cast<char>('a' + random.below(26)));
    const std::size_t what = append_only ? random.below(2) * 3 : random.below(4);
    if (what == 0) {
      ASSERT_TRUE(file.append(bytes).ok());
      now += bytes;
    } else if (what == 1) {
      const std::size_t at = random.below(now.size() + 20);  // perhaps past the end: a hole of zeros
      ASSERT_TRUE(file.write_at(at, bytes).ok());
      now.resize(std::max(now.size(), at + bytes.size()));
      now.replace(at, bytes.size(), bytes);
    } else if (what == 2) {
      const std::size_t size = random.below(now.size() + 20);
      ASSERT_TRUE(file.truncate(size).ok());
      now.resize(size);
    } else if (random.below(3) == 0) {
      ASSERT_TRUE(file.sync_now().ok());
      synced = now;
    }
  }
}

void one_life(std::uint64_t seed, bool append_only) {
  SCOPED_TRACE(seed);
  VirtualWorld world(seed);
  Env& env = world.add_host("a");
  Random random(seed);
  std::string now;
  std::string synced;
  auto file = env.files().open("/f", OpenMode::Create);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->sync_now().ok());
  scribble(**file, random, now, synced, append_only);
  EXPECT_EQ(*env.files().read_all("/f"), now);
  if (!append_only) {
    ASSERT_TRUE((*file)->sync_now().ok());
    synced = now;
  }
  world.kill("a", true);
  const std::string left = *world.restart("a").files().read_all("/f");
  EXPECT_TRUE(left.starts_with(synced)) << left << "\nsynced " << synced;
  EXPECT_TRUE(now.starts_with(left)) << left << "\nwritten " << now;
}

TEST(VirtualDiskTest, LossOfPowerLeavesWhatWasSynced) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    one_life(seed, false);
    one_life(seed, true);
  }
}

}  // namespace
}  // namespace aigrid::io
