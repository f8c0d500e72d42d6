#include "io/store/spool.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/env/epoll_env.h"
#include "io/store/epoch.h"
#include "io/store/segment.h"

namespace aigrid::io {
namespace {

namespace fs = std::filesystem;

class SpoolOnDisk : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "aigrid-spool-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void run(Task<void> (*body)(Env&, std::string)) {
    EpollOptions options;
    options.log_sink = [](std::string_view) {};
    auto folder = folder_ + "/spool";
    EXPECT_EQ(
        run_epoll(options, std::function<Task<void>(Env&)>([body, folder](Env& env) { return body(env, folder); })), 0);
  }
  std::string folder_;
};

std::size_t segments_in(const std::string& folder) {
  std::size_t n = 0;
  for (const auto& e : fs::directory_iterator(folder)) n += e.path().extension() == ".seg" ? 1 : 0;
  return n;
}

Task<void> keep_over_restart(Env& env, std::string folder) {
  {
    auto spool = Spool::open(env, folder);
    EXPECT_TRUE(spool.ok()) << spool.error().message;
    EXPECT_EQ(*(*spool)->append("one"), 1u);
    EXPECT_EQ(*(*spool)->append("two"), 2u);
    EXPECT_EQ(*(*spool)->append("three"), 3u);
    const Time before = env.now();
    const auto durable = co_await (*spool)->durable(3);
    EXPECT_TRUE(durable.ok());
    EXPECT_GE(env.now() - before, 1ms);  // a group commit, not one fsync a record
    auto got = (*spool)->read(2, 1000);
    EXPECT_EQ(got->size(), 2u);
    EXPECT_EQ((*got)[1].bytes, "two");
    EXPECT_EQ((*spool)->read(9, 1000)->at(0).sequence, 3u);
    EXPECT_TRUE((*spool)->read(9, 1000)->empty());
    (*spool)->rewind();
    EXPECT_EQ((*spool)->read(9, 1000)->size(), 3u);
    EXPECT_TRUE((*spool)->ack(2).ok());
    EXPECT_FALSE((*spool)->ack(99).ok());
  }
  auto again = Spool::open(env, folder);
  EXPECT_EQ((*again)->acked_sequence(), 2u);
  EXPECT_EQ((*again)->backlog(), 1u);
  co_await (*again)->readable();
  auto got = (*again)->read(9, 1000);
  EXPECT_EQ(got->size(), 1u);
  EXPECT_EQ(got->at(0).bytes, "three");
  EXPECT_EQ(*(*again)->append("four"), 4u);
}

TEST_F(SpoolOnDisk, KeepsWhatIsNotAcknowledgedOverARestart) { run(keep_over_restart); }

Task<void> torn_tail(Env& env, std::string folder) {
  {
    auto spool = Spool::open(env, folder);
    EXPECT_TRUE((*spool)->append("whole").ok());
    const auto durable = co_await (*spool)->durable(1);
    EXPECT_TRUE(durable.ok());
  }
  std::string torn;
  append_frame(torn, "this record was being written");
  torn.resize(torn.size() - 5);
  std::ofstream(folder + "/" + segment_name(1), std::ios::app) << torn;
  auto spool = Spool::open(env, folder);
  EXPECT_EQ((*spool)->repaired_bytes(), torn.size());
  EXPECT_EQ(*(*spool)->append("after"), 2u);
  const auto durable = co_await (*spool)->durable(2);
  EXPECT_TRUE(durable.ok());
  auto got = (*spool)->read(9, 1000);
  EXPECT_EQ(got->size(), 2u);
  EXPECT_EQ(got->at(1).bytes, "after");
}

TEST_F(SpoolOnDisk, CutsATornTailAndGoesOn) { run(torn_tail); }

Task<void> many_segments(Env& env, std::string folder) {
  SpoolOptions options;
  options.segment_bytes = 1000;
  options.gather = 100us;
  auto spool = Spool::open(env, folder, options);
  const std::string record(90, 'x');
  for (std::uint64_t i = 1; i <= 200; ++i) {
    EXPECT_EQ(*(*spool)->append(record + std::to_string(i)), i);
    if (i % 10 != 0) continue;
    const auto durable = co_await (*spool)->durable(i);
    EXPECT_TRUE(durable.ok());
  }
  EXPECT_GT(segments_in(folder), 5u);
  std::uint64_t next = 1;
  while (next <= 200) {
    auto got = (*spool)->read(7, 100000);
    EXPECT_FALSE(got->empty());
    if (got->empty()) break;
    for (const auto& e : *got) {
      EXPECT_EQ(e.sequence, next);
      EXPECT_EQ(e.bytes, record + std::to_string(next++));
    }
    EXPECT_TRUE((*spool)->ack(next - 1).ok());
  }
  // The segment that is being begun deletes the last full one.
  const Time deadline = env.now() + 10s;
  while (segments_in(folder) > 1 && env.now() < deadline) co_await env.sleep_for(1ms);
  EXPECT_EQ(segments_in(folder), 1u);
  EXPECT_EQ((*spool)->skipped_records(), 0u);
  EXPECT_EQ((*spool)->backlog(), 0u);
}

TEST_F(SpoolOnDisk, BeginsNewSegmentsAndDeletesAcknowledgedOnes) { run(many_segments); }

Task<void> rotten_segment(Env& env, std::string folder) {
  SpoolOptions options;
  options.segment_bytes = 30;
  options.gather = 100us;
  {
    auto spool = Spool::open(env, folder, options);
    for (int i = 0; i < 3; ++i) {
      const auto sequence = (*spool)->append("record of thirty bytes or so " + std::to_string(i));
      const auto durable = co_await (*spool)->durable(*sequence);
      EXPECT_TRUE(durable.ok());
      while (segments_in(folder) < static_cast<std::size_t>(i + 2)) co_await env.sleep_for(1ms);
    }
  }
  std::fstream(folder + "/" + segment_name(2), std::ios::in | std::ios::out).seekp(20) << "ROT";
  auto spool = Spool::open(env, folder, options);
  auto got = (*spool)->read(9, 1000);
  EXPECT_EQ(got->size(), 2u);  // the first and the third
  EXPECT_EQ(got->at(1).sequence, 3u);
  EXPECT_EQ((*spool)->skipped_records(), 1u);
}

TEST_F(SpoolOnDisk, SkipsAndCountsARottenRecord) { run(rotten_segment); }

Task<void> refuse_bad_records(Env& env, std::string folder) {
  SpoolOptions options;
  options.max_record = 10;
  options.max_bytes = 40;
  auto spool = Spool::open(env, folder, options);
  EXPECT_EQ((*spool)->append("").error().code, Code::InvalidArgument);
  EXPECT_EQ((*spool)->append("eleven chars").error().code, Code::InvalidArgument);
  EXPECT_TRUE((*spool)->append("0123456789").ok());
  EXPECT_TRUE((*spool)->append("0123456789").ok());
  EXPECT_EQ((*spool)->append("0123456789").error().code, Code::ResourceExhausted);
  co_return;
}

TEST_F(SpoolOnDisk, RefusesWhatIsBeyondItsBounds) { run(refuse_bad_records); }

Task<void> raise_epochs(Env& env, std::string folder) {
  EXPECT_TRUE(env.files().make_folders(folder).ok());
  const auto first = raise_epoch(env.files(), folder + "/epoch", WallTime(std::chrono::seconds(1000)));
  EXPECT_EQ(*first, 1000u);
  EXPECT_EQ(*raise_epoch(env.files(), folder + "/epoch", WallTime(std::chrono::seconds(5000))), 1001u);
  EXPECT_TRUE(env.files().replace(folder + "/epoch", "x").ok());
  EXPECT_EQ(raise_epoch(env.files(), folder + "/epoch", env.wall()).error().code, Code::DataLoss);
  co_return;
}

TEST_F(SpoolOnDisk, RaisesTheEpochAtEveryStart) { run(raise_epochs); }

}  // namespace
}  // namespace aigrid::io
