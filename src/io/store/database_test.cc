#include "io/store/database.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/env/epoll_env.h"
#include "io/store/database_door.h"
#include "io/store/join_tokens.h"
#include "io/store/records.h"
#include "io/store/resources.h"

namespace aigrid::io {
namespace {

class DatabaseOnDisk : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "aigrid-database-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void run(Task<void> (*body)(Env&, std::string)) {
    EpollOptions options;
    options.log_sink = [](std::string_view) {};
    auto path = folder_ + "/test.db";
    EXPECT_EQ(run_epoll(options, std::function<Task<void>(Env&)>([body, path](Env& env) { return body(env, path); })),
              0);
  }
  std::string folder_;
};

Result<std::unique_ptr<Database>> open_at(Env& env, const std::string& path) {
  return Database::open(env.files(), path, 7, env.wall());
}

Task<void> roll_back(Env& env, std::string path) {
  {
    auto db = open_at(env, path);
    EXPECT_TRUE(db.ok()) << db.error().message;
    EXPECT_TRUE((*db)->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").ok());
    {
      auto transaction = (*db)->begin();
      EXPECT_TRUE((*db)->prepare("INSERT INTO t VALUES(?,?)")->add(1).add("kept").run().ok());
      EXPECT_TRUE(transaction->commit().ok());
    }
    {
      auto transaction = (*db)->begin();
      EXPECT_TRUE((*db)->prepare("INSERT INTO t VALUES(?,?)")->add(2).add("dropped").run().ok());
    }
    const auto twice = (*db)->prepare("INSERT INTO t VALUES(?,?)")->add(1).add("again").run();
    EXPECT_EQ(twice.error().code, Code::AlreadyExists);
  }
  auto db = open_at(env, path);
  auto row = (*db)->prepare("SELECT a,b FROM t");
  EXPECT_TRUE(*row->step());
  EXPECT_EQ(row->integer(0), 1);
  EXPECT_EQ(row->text(1), "kept");
  EXPECT_FALSE(*row->step());
  co_return;
}

TEST_F(DatabaseOnDisk, KeepsWhatWasCommittedAndNothingElse) { run(roll_back); }

Task<void> refuse_garbage(Env& env, std::string path) {
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_EQ(open_at(env, path).error().code, Code::DataLoss);
  co_return;
}

TEST_F(DatabaseOnDisk, SaysThatAFileIsNoDatabase) { run(refuse_garbage); }

Task<void> count_up(DatabaseDoor& door, int times) {
  for (int i = 0; i < times; ++i) {
    std::function<Result<void>(Database&)> add = [](Database& db) -> Result<void> {
      AIGRID_TRY(auto statement, db.prepare("UPDATE t SET n=n+1"));
      return statement.run();
    };
    const auto done = co_await door.run(std::move(add));
    EXPECT_TRUE(done.ok());
  }
}

Task<void> take_turns(Env& env, std::string path) {
  auto db = open_at(env, path);
  EXPECT_TRUE((*db)->execute("CREATE TABLE t(n INTEGER); INSERT INTO t VALUES(0)").ok());
  DatabaseDoor door(env, std::shared_ptr<Database>(std::move(*db)));
  TaskGroup group(env.executor());
  for (int i = 0; i < 8; ++i) group.spawn(count_up(door, 5));
  co_await group.join();
  std::function<std::int64_t(Database&)> read = [](Database& d) {
    auto row = d.prepare("SELECT n FROM t");
    return *row->step() ? row->integer(0) : -1;
  };
  const std::int64_t n = co_await door.run(std::move(read));
  EXPECT_EQ(n, 40);
}

TEST_F(DatabaseOnDisk, IsUsedByOneTaskAtATime) { run(take_turns); }

ResourceWrite put(std::string name, std::string spec) {
  return {ResourceWrite::Mode::Put, "Site", std::move(name), std::move(spec), "", std::nullopt};
}

Task<void> write_resources(Env& env, std::string path) {
  auto db = open_at(env, path);
  ResourceTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  auto first = table.write({put("paris", R"({"a":1})"), put("lyon", "{}")}, 1000);
  EXPECT_EQ(first->revision, 2u);
  EXPECT_EQ(first->results[0].action, WriteResult::Action::Created);
  auto same = table.write({put("paris", R"({"a":1})")}, 2000);
  EXPECT_EQ(same->revision, 2u);
  EXPECT_EQ(same->results[0].action, WriteResult::Action::Unchanged);

  // One of two fails: nothing of either is written.
  auto wrong = put("lyon", R"({"b":1})");
  wrong.if_version = 1;
  EXPECT_EQ(table.write({put("paris", R"({"a":2})"), wrong}, 3000).error().code, Code::Conflict);
  EXPECT_EQ((*table.get("Site", "paris"))->spec, R"({"a":1})");
  EXPECT_EQ(*table.revision(), 2u);

  auto create = put("paris", "{}");
  create.mode = ResourceWrite::Mode::Create;
  EXPECT_EQ(table.write({create}, 1).error().code, Code::AlreadyExists);
  auto remove = put("lyon", "");
  remove.mode = ResourceWrite::Mode::Delete;
  remove.if_version = 2;
  EXPECT_EQ(table.write({remove}, 4000)->revision, 3u);
  EXPECT_EQ(table.write({remove}, 4000).error().code, Code::Conflict);

  auto list = table.list("Site");
  EXPECT_EQ(list->items.size(), 1u);
  EXPECT_EQ(list->revision, 3u);
  EXPECT_EQ(list->items[0].created_ms, 1000);
  auto changes = table.changes(1, 100);
  EXPECT_EQ(changes->size(), 2u);
  EXPECT_EQ(changes->at(1).kind, ChangeKind::Deleted);
  EXPECT_EQ(changes->at(1).resource.spec, "{}");
  EXPECT_EQ(table.changes(99, 100).error().code, Code::NotFound);
  co_return;
}

TEST_F(DatabaseOnDisk, WritesResourcesAllOrNothingAndLogsChanges) { run(write_resources); }

Task<void> forget_changes(Env& env, std::string path) {
  auto db = open_at(env, path);
  ResourceTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  std::vector<ResourceWrite> writes;
  for (std::uint64_t i = 0; i < kKeptChanges + 5; ++i) writes.push_back(put("s" + std::to_string(i), "{}"));
  EXPECT_TRUE(table.write(writes, 1).ok());
  EXPECT_EQ(table.changes(4, 10).error().code, Code::NotFound);
  EXPECT_EQ(table.changes(5, 10)->front().revision, 6u);
  co_return;
}

TEST_F(DatabaseOnDisk, SaysWhenAWatcherIsTooFarBehind) { run(forget_changes); }

// A database made before changes said whose they are.
Task<void> read_older(Env& env, std::string path) {
  auto db = open_at(env, path);
  const auto made = (*db)->execute(
      "CREATE TABLE resource(kind TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL, labels TEXT NOT NULL,"
      " version INTEGER NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY(kind,name)) WITHOUT ROWID;"
      "CREATE TABLE change(revision INTEGER PRIMARY KEY, type INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
      " spec TEXT NOT NULL, labels TEXT NOT NULL, version INTEGER NOT NULL, created_ms INTEGER NOT NULL);"
      "INSERT INTO resource VALUES('Zone','fr','{}','',1,5);");
  EXPECT_TRUE(made.ok());
  ResourceTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  EXPECT_TRUE(table.prepare().ok());  // a second start
  const auto held = table.get("Zone", "fr");
  EXPECT_EQ((*held)->changed_by, "");
  const auto written = table.write({{ResourceWrite::Mode::Put, "Zone", "fr", R"({"a":1})", "", {}}}, 6, false, "anna");
  EXPECT_TRUE(written.ok());
  EXPECT_EQ((*table.get("Zone", "fr"))->changed_by, "anna");
  const auto changes = table.changes(0, 10);
  EXPECT_EQ(changes->back().resource.changed_by, "anna");
  co_return;
}
TEST_F(DatabaseOnDisk, TakesOverADatabaseWithoutNames) { run(read_older); }

RecordRow record(std::uint64_t sequence, std::string line) {
  RecordRow row;
  row.source = "gw";
  row.epoch = 5;
  row.sequence = sequence;
  row.request_id = "req_gw_5_" + std::to_string(sequence);
  row.at_s = 90;
  row.names = {"acme", "p", "k", "small", "chat.completions", "paris", "EUR", false};
  row.amounts = {1, 10, 3, 2, 10, 2, 0, 1, 7, 5};
  row.waived = {{"cancel_tail", "site", 0, 1, 1}};
  row.debts = {{"a", "b", "EUR", 50'000, 10, 2, 4}};
  row.line = std::move(line);
  return row;
}

UsageQuery by_tenant() {
  UsageQuery query;
  query.by = {UsageBy::Tenant};
  return query;
}

Task<void> count_once(Env& env, std::string path) {
  auto db = open_at(env, path);
  RecordTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  auto added = table.add({record(1, "a"), record(2, "b"), record(1, "a")}, 1);
  EXPECT_EQ(added->fresh, 2u);
  EXPECT_EQ(added->repeated, 1u);
  added = table.add({record(2, "other"), record(3, "c")}, 2);
  EXPECT_EQ(added->fresh, 1u);
  EXPECT_EQ(added->conflicting, 1u);
  EXPECT_EQ(*table.count(), 3u);
  auto usage = table.usage(by_tenant());
  EXPECT_EQ(usage->size(), 1u);
  EXPECT_EQ(usage->at(0).names.at(0), "acme");
  const UsageAmounts& sum = usage->at(0).amounts;
  EXPECT_EQ(sum.requests, 3u);
  EXPECT_EQ(sum.prompt_tokens, 30u);
  EXPECT_EQ(sum.completion_tokens, 9u);
  EXPECT_EQ(sum.cached_tokens, 6u);
  EXPECT_EQ(sum.billed_completion_tokens, 6u);
  EXPECT_EQ(sum.waived_completion_tokens, 3u);
  EXPECT_EQ(sum.charge_nano, 21);
  EXPECT_EQ(sum.cost_nano, 15);
  EXPECT_EQ(table.waived(0, 1000)->at(0).completion_tokens, 3u);
  EXPECT_EQ(table.debts(0, 1000)->at(0).cost_nano, 12);
  EXPECT_TRUE(table.debts(0, 60)->empty());
  auto conflicts = table.conflicts(10);
  EXPECT_EQ(conflicts->size(), 1u);
  EXPECT_EQ(conflicts->at(0).sequence, 2u);
  EXPECT_FALSE(conflicts->at(0).why.empty());
  co_return;
}

TEST_F(DatabaseOnDisk, CountsARecordOnceHoweverOftenItComes) { run(count_once); }

Task<void> keep_first(Env& env, std::string path) {
  auto db = open_at(env, path);
  RecordTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  auto second = record(9, "again, from another sequence");
  second.request_id = record(1, "").request_id;
  auto added = table.add({record(1, "a"), second, second}, 1);
  EXPECT_EQ(added->fresh, 1u);
  EXPECT_EQ(added->conflicting, 1u) << "one terminal record a request";
  EXPECT_EQ(added->repeated, 1u) << "a conflict that comes again is no second one";
  auto odd = record(10, "odd");
  odd.suspect = "ten times too many";
  odd.names.unknown = true;
  odd.names.tenant = "../x";
  added = table.add({odd}, 1);
  EXPECT_EQ(added->unknown, 1u);
  EXPECT_EQ(added->suspect, 1u);
  EXPECT_EQ(table.usage(by_tenant())->at(0).amounts.requests, 1u);
  UsageQuery apart = by_tenant();
  apart.unknown = true;
  EXPECT_EQ(table.usage(apart)->at(0).names.at(0), "../x");
  EXPECT_EQ(table.conflicts(10)->size(), 2u);
  co_return;
}

TEST_F(DatabaseOnDisk, TheFirstRecordOfARequestStaysAndTheOthersAreShown) { run(keep_first); }

Task<void> close_orphans(Env& env, std::string path) {
  auto db = open_at(env, path);
  RecordTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  const AttemptRow lost{"n1", 1, 1, record(1, "").request_id, "first attempt"};
  const AttemptRow known{"n1", 1, 2, record(2, "").request_id, "of a request that is recorded"};
  EXPECT_EQ(table.add_attempts({lost, known, lost}, 100)->repeated, 1u);
  EXPECT_EQ(table.add({record(2, "recorded")}, 100)->fresh, 1u);
  EXPECT_TRUE(table.orphans(100, 10)->empty()) << "told just now";
  auto found = table.orphans(101, 10);
  EXPECT_EQ(found->size(), 1u);
  EXPECT_EQ(found->at(0).request_id, lost.request_id);
  EXPECT_EQ(found->at(0).attempts.size(), 1u);
  EXPECT_EQ(found->at(0).attempts.at(0).line, "first attempt");
  auto closed = record(1, "closed");
  closed.source = kCloser;
  const RecordTable::Again again = [closed](std::string_view) -> Result<RecordRow> { return closed; };
  EXPECT_EQ(table.close({{closed, found->at(0).attempts}}, 102, again)->fresh, 1u);
  EXPECT_TRUE(table.orphans(200, 10)->empty());
  EXPECT_EQ(table.usage({})->at(0).amounts.requests, 2u);
  auto late = record(1, "the ingress's own");
  late.amounts.completion_tokens = 50;
  EXPECT_EQ(table.add({late, late}, 103, again)->fresh, 1u);
  EXPECT_EQ(table.usage({})->at(0).amounts.requests, 2u) << "it takes the place of the closing";
  EXPECT_EQ(table.usage({})->at(0).amounts.completion_tokens, 53u);
  EXPECT_EQ(table.waived(0, 1000)->at(0).completion_tokens, 2u);
  EXPECT_TRUE(table.conflicts(10)->empty());
  late.sequence = 99;
  EXPECT_EQ(table.add({late}, 104, again)->conflicting, 1u) << "only a closing gives way";
  co_return;
}

TEST_F(DatabaseOnDisk, AClosedRequestGivesWayToTheRecordOfItsIngress) { run(close_orphans); }

// One node tells before a request is closed, another after: its work is in the closing that takes the place of the
// first, and in nothing else when the ingress's own record comes last of all.
Task<void> close_again(Env& env, std::string path) {
  auto db = open_at(env, path);
  RecordTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  const std::string id = record(1, "").request_id;
  const AttemptRow early{"n1", 1, 1, id, "early"};
  const AttemptRow late{"n2", 1, 1, id, "late"};
  std::map<std::string, RecordRow> made;
  const RecordTable::Again again = [&made](std::string_view line) -> Result<RecordRow> {
    return made.at(std::string(line));
  };
  const auto close = [&](std::uint64_t sequence, std::uint64_t tokens, std::int64_t at) {
    auto row = record(sequence, "closed from " + std::to_string(tokens));
    row.source = kCloser;
    row.request_id = id;
    row.amounts.completion_tokens = tokens;
    made[row.line] = row;
    const auto orphans = table.orphans(at, 10);
    EXPECT_EQ(orphans->size(), 1u);
    EXPECT_EQ(table.close({{row, orphans->at(0).attempts}}, at, again)->fresh, 1u);
    EXPECT_TRUE(table.orphans(at + 100, 10)->empty());
    EXPECT_TRUE(table.unsettled(10)->empty()) << "nothing is held against a closing";
    EXPECT_EQ(table.usage({})->at(0).amounts.requests, 1u);
    EXPECT_EQ(table.usage({})->at(0).amounts.completion_tokens, tokens);
  };
  (void)table.add_attempts({early}, 100);
  close(1, 5, 101);
  (void)table.add_attempts({late}, 102);
  EXPECT_TRUE(table.unsettled(10)->empty());
  EXPECT_TRUE(table.orphans(102, 10)->empty()) << "told just now";
  close(2, 9, 103);
  (void)table.add_attempts({early, late}, 104);  // come again
  EXPECT_TRUE(table.orphans(200, 10)->empty());

  auto own = record(77, "the ingress's own");
  own.request_id = id;
  own.amounts.completion_tokens = 20;
  EXPECT_EQ(table.add({own}, 105, again)->fresh, 1u);
  EXPECT_EQ(table.usage({})->at(0).amounts.requests, 1u);
  EXPECT_EQ(table.usage({})->at(0).amounts.completion_tokens, 20u);
  EXPECT_EQ(table.unsettled(10)->size(), 2u) << "both are held against it";
  auto slow = made.begin()->second;  // looked before it came
  slow.sequence = 3;
  slow.line = "too late";
  EXPECT_EQ(table.close({{slow, {early, late}}}, 106, again)->fresh, 0u);
  EXPECT_EQ(table.unsettled(10)->size(), 2u);
  EXPECT_TRUE(table.conflicts(10)->empty());
  co_return;
}

TEST_F(DatabaseOnDisk, ARequestIsClosedAnewWhenANodeTellsOfMore) { run(close_again); }

Task<void> cut_up(Env& env, std::string path) {
  auto db = open_at(env, path);
  RecordTable table(**db);
  EXPECT_TRUE(table.prepare().ok());
  auto huge = record(2, "huge");
  huge.at_s = 3700;
  huge.names.model = "large";
  huge.amounts.charge_nano = std::numeric_limits<std::int64_t>::max();
  auto more = huge;
  more.sequence = 3;
  more.request_id = "other";
  EXPECT_TRUE(table.add({record(1, "a"), huge, more}, 1).ok());
  UsageQuery query;
  query.bucket_s = 3600;
  query.by = {UsageBy::Model};
  auto rows = table.usage(query);
  EXPECT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->at(0).bucket_s, 0);
  EXPECT_EQ(rows->at(1).bucket_s, 3600);
  EXPECT_EQ(rows->at(1).names.at(0), "large");
  EXPECT_EQ(rows->at(1).amounts.charge_nano, std::numeric_limits<std::int64_t>::max()) << "saturates";
  query.only[UsageBy::Model] = {"small", "middle"};
  EXPECT_EQ(table.usage(query)->size(), 1u);
  query.to_s = 60;
  EXPECT_EQ(table.usage(query)->size(), 0u);
  EXPECT_EQ(table.usage({})->at(0).amounts.requests, 3u);
  co_return;
}

TEST_F(DatabaseOnDisk, UsageIsCutByTimeAndNames) { run(cut_up); }

Task<void> keep_tokens(Env& env, std::string path) {
  auto db = open_at(env, path);
  JoinTokens tokens(**db);
  EXPECT_TRUE(tokens.prepare().ok());
  const std::string kid("\0kid567\xff", 8);
  EXPECT_TRUE(tokens.add({kid, "K", "gateway", "paris", "gw", 1000, "", "", false}, 0).ok());
  EXPECT_EQ((*tokens.find(kid))->used_key, "");
  EXPECT_TRUE(tokens.mark_used(kid, "hash", "gw").ok());
  EXPECT_TRUE(tokens.burn(kid).ok());
  auto row = *tokens.find(kid);
  EXPECT_EQ(row->key, "K");
  EXPECT_EQ(row->used_key, "hash");
  EXPECT_TRUE(row->burnt);
  EXPECT_TRUE(tokens.add({"next5678", "K", "agent", "paris", "", 9000, "", "", false}, 2000).ok());
  EXPECT_FALSE(tokens.find(kid)->has_value());  // long expired: forgotten
  co_return;
}

TEST_F(DatabaseOnDisk, KeepsJoinTokens) { run(keep_tokens); }

}  // namespace
}  // namespace aigrid::io
