// Spool and database on a virtual disk: full, failing and losing power.
#include <gtest/gtest.h>

#include "base/random.h"
#include "io/env/virtual_world.h"
#include "io/store/resources.h"
#include "io/store/spool.h"

namespace aigrid::io {
namespace {

struct Progress {
  std::uint64_t durable = 0;
  std::uint64_t failed_commits = 0;
  bool done = false;
};

std::string record_of(std::uint64_t n) { return "record " + std::to_string(n) + std::string(n % 50, '.'); }

// Appends for ever; notes what was promised to be durable.
Task<void> append_for_ever(Env& env, Progress* progress) {
  SpoolOptions options;
  options.segment_bytes = 2000;
  auto spool = Spool::open(env, "/spool", options);
  EXPECT_TRUE(spool.ok());
  for (;;) {
    std::uint64_t last = 0;
    for (int i = 0; i < 5; ++i) last = *(*spool)->append(record_of((*spool)->next_sequence()));
    const auto durable = co_await (*spool)->durable(last);
    if (durable.ok()) {
      progress->durable = last;
    } else {
      ++progress->failed_commits;
    }
  }
}

Task<void> read_all_back(Env& env, std::uint64_t* intact) {
  auto spool = Spool::open(env, "/spool");
  EXPECT_TRUE(spool.ok()) << spool.error().message;
  auto got = (*spool)->read(1'000'000, 1'000'000'000);
  for (const auto& e : *got) {
    EXPECT_EQ(e.sequence, *intact + 1);
    EXPECT_EQ(e.bytes, record_of(e.sequence));
    *intact = e.sequence;
  }
  EXPECT_EQ((*spool)->skipped_records(), 0u);
  co_return;
}

TEST(SpoolFaults, KeepsEveryDurableRecordOverALossOfPower) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    VirtualWorld world(seed);
    world.add_host("a");
    Progress progress;
    world.spawn("a", [&](Env& env) { return append_for_ever(env, &progress); });
    world.run_for(from_ms_f(20 + static_cast<double>(seed) * 3.7));
    world.kill("a", true);
    EXPECT_GT(progress.durable, 0u);
    world.restart("a");
    std::uint64_t intact = 0;
    world.spawn("a", [&](Env& env) { return read_all_back(env, &intact); });
    world.run_for(1s);
    EXPECT_GE(intact, progress.durable) << "seed " << seed;
  }
}

// One life of a process with the spool: all that was promised before is there and whole; some of it is shipped and
// forgotten; more is written until it dies.
struct Promised {
  std::uint64_t durable = 0;
  std::uint64_t shipped = 0;
  std::uint64_t lost = 0;
  bool looked = false;
};

Task<void> live_on(Env& env, Promised* promised) {
  SpoolOptions options;
  options.segment_bytes = 3000;
  auto spool = Spool::open(env, "/spool", options);
  EXPECT_TRUE(spool.ok()) << spool.error().message;
  auto held = (*spool)->read(1'000'000, 1'000'000'000);
  std::uint64_t next = (*spool)->acked_sequence() + 1;
  for (const auto& e : *held) {
    if (e.sequence != next || e.bytes != record_of(e.sequence)) ++promised->lost;
    ++next;
  }
  if (next <= promised->durable || (*spool)->skipped_records() != 0) ++promised->lost;
  promised->looked = true;
  if (held->size() > 40) {
    promised->shipped = held->at(held->size() / 2).sequence;
    EXPECT_TRUE((*spool)->ack(promised->shipped).ok());
  }
  for (;;) {
    std::uint64_t last = 0;
    for (int i = 0; i < 5; ++i) last = *(*spool)->append(record_of((*spool)->next_sequence()));
    const auto durable = co_await (*spool)->durable(last);
    if (durable.ok()) promised->durable = last;
  }
}

TEST(SpoolFaults, TwoHundredDeathsAtRandomPointsLoseNoPromisedRecord) {
  VirtualWorld world(77);
  world.add_host("a");
  Random random(5);
  Promised promised;
  for (int death = 0; death < 200; ++death) {
    promised.looked = false;
    world.spawn("a", [&](Env& env) { return live_on(env, &promised); });
    world.run_for(std::chrono::microseconds(200 + random.below(25'000)));
    EXPECT_TRUE(promised.looked);
    EXPECT_EQ(promised.lost, 0u) << "at death " << death;
    world.kill("a", random.below(4) != 0);  // now and then only the process dies, and the disk keeps all it was given
    world.restart("a");
  }
  EXPECT_GT(promised.durable, 1000u);
  EXPECT_GT(promised.shipped, 500u);
}

TEST(SpoolFaults, WritesAgainWhatAFailedFsyncMayHaveLost) {
  VirtualWorld world(3);
  world.add_host("a");
  Progress progress;
  world.spawn("a", [&](Env& env) { return append_for_ever(env, &progress); });
  world.run_for(20ms);
  world.fail_next_sync("a", 2);
  const std::uint64_t before = progress.durable;
  ASSERT_TRUE(world.run_until([&] { return progress.durable > before + 20; }, 5s));
  EXPECT_GE(progress.failed_commits, 1u);
  world.kill("a", true);
  world.restart("a");
  std::uint64_t intact = 0;
  world.spawn("a", [&](Env& env) { return read_all_back(env, &intact); });
  world.run_for(1s);
  EXPECT_GE(intact, progress.durable);
}

Task<void> fill_disk(Env& env, VirtualWorld* world, Progress* progress) {
  auto spool = Spool::open(env, "/spool");
  world->set_free_bytes("a", 100);
  std::uint64_t taken = 0;
  Result<std::uint64_t> last = std::uint64_t{0};
  while (taken < 100) {
    last = (*spool)->append(record_of((*spool)->next_sequence()));
    if (!last.ok()) break;
    ++taken;
  }
  EXPECT_EQ(last.error().code, Code::ResourceExhausted);
  EXPECT_NE(last.error().message.find("disk is full"), std::string::npos) << last.error().message;
  EXPECT_EQ((*spool)->append("again").error().code, Code::ResourceExhausted);
  world->set_free_bytes("a", 1'000'000);
  const auto more = (*spool)->append(record_of((*spool)->next_sequence()));
  EXPECT_EQ(*more, taken + 1);  // no sequence was lost
  const auto durable = co_await (*spool)->durable(*more);
  EXPECT_TRUE(durable.ok());
  EXPECT_EQ((*spool)->read(1000, 100000)->size(), taken + 1);
  progress->done = true;
}

TEST(SpoolFaults, SaysThatTheDiskIsFullAndGoesOnWhenThereIsRoom) {
  VirtualWorld world(4);
  world.add_host("a");
  Progress progress;
  world.spawn("a", [&](Env& env) { return fill_disk(env, &world, &progress); });
  world.run_for(1s);
  EXPECT_TRUE(progress.done);
}

Task<void> write_for_ever(Env& env, std::uint64_t* committed) {
  auto db = Database::open(env.files(), "/control.db", 1, env.wall());
  EXPECT_TRUE(db.ok()) << db.error().message;
  ResourceTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  for (;;) {
    const std::string name = "n" + std::to_string(*table.revision());
    auto wrote = table.write({{ResourceWrite::Mode::Put, "Node", name, "{}", "", std::nullopt}}, 0);
    EXPECT_TRUE(wrote.ok());
    *committed = wrote->revision;
    co_await env.sleep_for(1ms);
  }
}

Task<void> check_database(Env& env, std::uint64_t* revision) {
  auto db = Database::open(env.files(), "/control.db", 2, env.wall());
  EXPECT_TRUE(db.ok());
  auto check = (*db)->prepare("PRAGMA integrity_check");
  EXPECT_TRUE(*check->step());
  EXPECT_EQ(check->text(0), "ok");
  ResourceTable table(**db);
  *revision = *table.revision();
  EXPECT_EQ(table.list("")->items.size(), *revision);
  co_return;
}

TEST(DatabaseFaults, KeepsWhatWasCommittedOverALossOfPower) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    VirtualWorld world(seed);
    world.add_host("a");
    std::uint64_t committed = 0;
    world.spawn("a", [&](Env& env) { return write_for_ever(env, &committed); });
    world.run_for(from_ms_f(30 + static_cast<double>(seed)));
    world.kill("a", true);
    EXPECT_GT(committed, 10u);
    world.restart("a");
    std::uint64_t revision = 0;
    world.spawn("a", [&](Env& env) { return check_database(env, &revision); });
    world.run_for(1s);
    EXPECT_EQ(revision, committed);
  }
}

Task<void> fill_database(Env& env, VirtualWorld* world, bool* done) {
  auto db = Database::open(env.files(), "/control.db", 1, env.wall());
  ResourceTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  world->set_free_bytes("a", 20'000);
  const std::string large(50'000, 'x');
  const ResourceWrite write{ResourceWrite::Mode::Put, "Node", "n", "\"" + large + "\"", "", std::nullopt};
  EXPECT_EQ(table.write({write}, 0).error().code, Code::ResourceExhausted);
  EXPECT_EQ(*table.revision(), 0u);
  world->set_free_bytes("a", 10'000'000);
  const auto wrote = table.write({write}, 0);
  EXPECT_TRUE(wrote.ok()) << wrote.error().message;
  EXPECT_EQ(*table.revision(), 1u);
  *done = true;
  co_return;
}

TEST(DatabaseFaults, RollsBackOnAFullDiskAndGoesOnWhenThereIsRoom) {
  VirtualWorld world(5);
  world.add_host("a");
  bool done = false;
  world.spawn("a", [&](Env& env) { return fill_database(env, &world, &done); });
  world.run_for(1s);
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace aigrid::io
