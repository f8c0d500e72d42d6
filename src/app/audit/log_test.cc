#include "app/audit/log.h"

#include <gtest/gtest.h>

#include <set>

#include "core/audit/leaf.h"
#include "core/audit/test_log.h"
#include "io/env/virtual_world.h"
#include "io/store/spool.h"

namespace aigrid::audit {
namespace {

std::string leaf_of(const std::string& source, std::uint64_t sequence, const std::string& tenant = "mairie") {
  grid::RequestLeaf request;
  request.request_id = "req_" + source + "_1_" + std::to_string(sequence);
  request.tenant = tenant;
  grid::AuditLeaf leaf;
  leaf.source = source;
  leaf.epoch = 1;
  leaf.sequence = sequence;
  leaf.salt = std::string(kSaltBytes, 's');
  leaf.body = std::move(request);
  return *encode(leaf);
}

crypto::SigningKey key() { return *crypto::SigningKey::from_seed(std::string(32, 'k')); }

std::unique_ptr<io::Database> open_database(io::Env& env) {
  auto database = io::Database::open(env.files(), "/audit.db", 7, env.wall());
  EXPECT_TRUE(database.ok()) << database.error().message;
  return std::move(*database);
}

// Every row there is: dense, its hash that of its body, and the signed root that of the definition.
void expect_whole(io::Database& database, Log& log) {
  io::AuditTable table(database);
  const auto rows = table.rows(0, 1'000'000);
  ASSERT_TRUE(rows.ok());
  std::vector<Digest> leaves;
  std::set<std::string> names;
  for (const auto& row : *rows) {
    EXPECT_EQ(row.index, leaves.size());
    leaves.push_back(leaf_hash(row.body));
    EXPECT_EQ(row.hash, crypto::view(leaves.back()));
    EXPECT_TRUE(names.insert(row.source + "/" + std::to_string(row.epoch) + "-" + std::to_string(row.sequence)).second);
  }
  ASSERT_TRUE(log.checkpoint(database, 1).ok());
  const auto newest = table.newest_checkpoint();
  const auto checkpoint = open_checkpoint(**newest, log.public_key());
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(checkpoint->size, leaves.size());
  EXPECT_EQ(checkpoint->root, naive_root(leaves, 0, leaves.size()));
}

io::Task<void> fill(io::Env& env) {
  auto database = open_database(env);
  Log log("europe/FR.paris", key());
  EXPECT_TRUE(log.open(*database).ok());
  std::vector<std::string> batch;
  for (std::uint64_t i = 0; i < 700; ++i) batch.push_back(leaf_of("paris", i));
  auto taken = log.take(*database, batch, 1);
  EXPECT_EQ(taken->fresh, 700U);
  taken = log.take(*database, batch, 1);
  EXPECT_EQ(taken->fresh, 0U);
  EXPECT_EQ(taken->repeated, 700U);
  expect_whole(*database, log);

  // The same name, another content: kept beside it, once, however often it comes.
  for (int i = 0; i < 3; ++i) {
    taken = log.take(*database, {leaf_of("paris", 5, "other")}, 2);
    EXPECT_EQ(taken->conflicting, 1U);
  }
  io::AuditTable table(*database);
  EXPECT_EQ(*table.size(), 701U);
  const auto conflict = decode_leaf((*table.rows(700, 1)).front().body);
  EXPECT_EQ(std::get<grid::ConflictLeaf>(conflict->body).sequence, 5U);
  EXPECT_EQ((*table.find("paris", 1, 5))->tenant, "mairie") << "the first one stays";

  // A leaf younger than the newest signed tree has no proof yet; then it has.
  EXPECT_TRUE(log.take(*database, {leaf_of("lyon", 1)}, 3).ok());
  EXPECT_EQ(log.prove(*database, "lyon", 1, 1)->size, 0U);
  expect_whole(*database, log);
  for (const std::uint64_t sequence : {0U, 255U, 256U, 699U}) {
    const auto proven = log.prove(*database, "paris", 1, sequence);
    EXPECT_TRUE(proven.ok());
    const auto checkpoint = open_checkpoint(proven->checkpoint, log.public_key());
    EXPECT_TRUE(
        check_inclusion(leaf_hash(proven->row.body), proven->row.index, proven->size, checkpoint->root, proven->proof)
            .ok());
  }
  EXPECT_EQ(log.prove(*database, "paris", 2, 1).error().code, Code::NotFound);

  // Opened again it goes on where it was.
  Log again("europe/FR.paris", key());
  EXPECT_TRUE(again.open(*database).ok());
  EXPECT_TRUE(again.take(*database, {leaf_of("lyon", 2)}, 4).ok());
  expect_whole(*database, again);
  EXPECT_FALSE(again.take(*database, {leaf_of("lyon", 3), "nonsense"}, 5).ok());
  EXPECT_EQ(*table.size(), 703U) << "a refused batch leaves nothing";
  expect_whole(*database, again);
  co_return;
}

TEST(Log, TakesProvesAndGoesOn) {
  io::VirtualWorld world(1);
  world.add_host("a");
  world.spawn("a", fill);
  world.run_for(60s);
}

struct Acked {
  std::set<std::uint64_t> durable;  // told that they will not be lost
  std::uint64_t next = 1;
};

io::Task<void> append_for_ever(io::Env& env, io::Spool& spool, Acked& acked) {
  for (;;) {
    std::vector<std::uint64_t> mine;
    std::uint64_t last = 0;
    for (int i = 0; i < 7; ++i) {
      mine.push_back(acked.next);
      last = *spool.append(leaf_of("paris", acked.next++));
    }
    const auto durable = co_await spool.durable(last);
    if (durable.ok()) acked.durable.insert(mine.begin(), mine.end());
    co_await env.sleep_for(1ms);
  }
}

// A source and the log it feeds, as a gateway runs them, until the power goes.
io::Task<void> feed(io::Env& env, Acked* acked) {
  auto database = open_database(env);
  Log log("europe/FR.paris", key());
  EXPECT_TRUE(log.open(*database).ok());
  io::SpoolOptions options;
  options.segment_bytes = 3000;
  auto spool = io::Spool::open(env, "/spool", options);
  EXPECT_TRUE(spool.ok());
  io::TaskGroup tasks(env.executor());
  if (acked != nullptr) tasks.spawn(append_for_ever(env, **spool, *acked));
  const Time until = env.now() + 200ms;
  while (acked != nullptr || env.now() < until) {
    auto entries = (*spool)->read(64, 100'000);
    EXPECT_TRUE(entries.ok());
    if (entries->empty()) {
      co_await env.sleep_for(2ms);
      continue;
    }
    std::vector<std::string> batch;
    for (auto& entry : *entries) batch.push_back(entry.bytes);
    const auto taken = log.take(*database, batch, 1);
    EXPECT_TRUE(taken.ok()) << taken.error().message;
    EXPECT_EQ(taken->conflicting, 0U);
    EXPECT_TRUE((*spool)->ack(entries->back().sequence).ok());
    EXPECT_TRUE(log.checkpoint(*database, 1).ok());
    co_await env.sleep_for(3ms);
  }
  expect_whole(*database, log);
}

io::Task<void> count(io::Env& env, const Acked& acked, std::size_t& lost) {
  auto database = open_database(env);
  io::AuditTable table(*database);
  for (const auto sequence : acked.durable) {
    const auto row = table.find("paris", 1, sequence);
    if (!row.ok() || !*row) ++lost;
  }
  co_return;
}

// The power goes at many moments, writes torn: no leaf that was said to be durable is lost, none has two indices.
TEST(Log, KeepsEveryDurableLeafOverLossesOfPower) {
  std::size_t kills = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    io::VirtualWorld world(seed);
    world.add_host("a");
    Acked acked;
    for (int round = 0; round < 5; ++round) {
      world.spawn("a", [&acked](io::Env& env) { return feed(env, &acked); });
      world.run_for(from_ms_f(11 + static_cast<double>((seed * 37 + static_cast<std::uint64_t>(round) * 101) % 61)));
      world.kill("a", true);
      world.restart("a");
      ++kills;
    }
    EXPECT_GT(acked.durable.size(), 5U);
    std::size_t lost = 0;
    world.spawn("a", [](io::Env& env) { return feed(env, nullptr); });
    world.run_for(1s);
    world.spawn("a", [&](io::Env& env) { return count(env, acked, lost); });
    world.run_for(1s);
    EXPECT_EQ(lost, 0U) << "seed " << seed;
  }
  EXPECT_EQ(kills, 200U);
}

}  // namespace
}  // namespace aigrid::audit
