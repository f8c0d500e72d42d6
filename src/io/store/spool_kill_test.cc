// A real process with a spool is killed (-9) at random moments, and its last write is torn: what it was told is
// durable, is there when the next one opens the spool.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "io/env/epoll_env.h"
#include "io/store/segment.h"
#include "io/store/spool.h"

namespace aigrid::io {
namespace {

namespace fs = std::filesystem;

// 40 where the tests are to be quick.
int deaths() { return std::getenv("AIGRID_TEST_SHORT") == nullptr ? 200 : 40; }

std::string record_of(std::uint64_t n) { return "record " + std::to_string(n) + std::string(n % 50, '.'); }

// Appends for ever; the last sequence that is durable goes to `told`.
Task<void> append_for_ever(Env& env, std::string folder, int told) {
  SpoolOptions options;
  options.segment_bytes = 20'000;
  options.gather = 200us;
  auto spool = Spool::open(env, folder, options);
  if (!spool.ok()) _exit(3);
  for (;;) {
    std::uint64_t last = 0;
    for (int i = 0; i < 5; ++i) last = *(*spool)->append(record_of((*spool)->next_sequence()));
    const auto durable = co_await (*spool)->durable(last);
    if (!durable.ok()) _exit(4);
    if (write(told, &last, sizeof last) != sizeof last) _exit(5);
    if (last % 500 == 0 && !(*spool)->ack(last - 250).ok()) _exit(6);
  }
}

[[noreturn]] void live(const std::string& folder, int told) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  EpollOptions options;
  options.log_sink = [](std::string_view) {};
  const std::function<Task<void>(Env&)> body = [&](Env& env) { return append_for_ever(env, folder, told); };
  _exit(run_epoll(options, body) == 0 ? 2 : 7);
}

// Lives until it was told of a few group commits, and then for a random moment; gives the last one it was told of.
std::uint64_t live_and_die(const std::string& folder, Random& random) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) live(folder, ends[1]);
  close(ends[1]);
  std::uint64_t last = 0;
  std::uint64_t told = 0;
  for (auto commits = 1 + random.below(15); commits > 0; --commits) {
    if (read(ends[0], &told, sizeof told) == sizeof told) last = told;
  }
  const auto moment = random.below(300'000);  // so that it is anywhere in what it does next
  for (volatile std::uint64_t turn = 0; turn < moment; turn = turn + 1) {
  }
  kill(child, SIGKILL);
  while (read(ends[0], &told, sizeof told) == sizeof told) last = told;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << status;
  return last;
}

// Half of a record behind the last one, as a write that a crash cut leaves it.
void tear(const std::string& folder, Random& random) {
  fs::path newest;
  for (const auto& e : fs::directory_iterator(folder)) {
    if (e.path().extension() == ".seg" && e.path() > newest) newest = e.path();
  }
  std::string frame;
  append_frame(frame, "this one was being written");
  frame.resize(1 + random.below(frame.size() - 1));
  std::ofstream(newest, std::ios::app | std::ios::binary) << frame;
}

struct Found {
  std::uint64_t acked = 0;
  std::uint64_t last = 0;
  std::uint64_t wrong = 0;
};

Task<void> look(Env& env, std::string folder, Found* found) {
  auto spool = Spool::open(env, folder);
  EXPECT_TRUE(spool.ok()) << spool.error().message;
  if (!spool.ok()) co_return;
  found->acked = found->last = (*spool)->acked_sequence();
  const auto held = (*spool)->read(10'000'000, 1'000'000'000);
  for (const auto& e : *held) {
    if (e.sequence != ++found->last || e.bytes != record_of(e.sequence)) ++found->wrong;
  }
  found->wrong += (*spool)->skipped_records();
}

TEST(SpoolKill, KillsOfARealProcessLoseNoPromisedRecord) {
  std::string folder = testing::TempDir() + "aigrid-kill-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string spool = folder + "/spool";
  Random random(9);
  std::uint64_t durable = 0;
  for (int death = 0; death < deaths(); ++death) {
    const std::uint64_t last = live_and_die(spool, random);
    ASSERT_GT(last, durable) << "death " << death;
    durable = last;
    if (random.below(2) == 0) tear(spool, random);
    Found found;
    EpollOptions options;
    options.log_sink = [](std::string_view) {};
    const std::function<Task<void>(Env&)> body = [&](Env& env) { return look(env, spool, &found); };
    ASSERT_EQ(run_epoll(options, body), 0);
    ASSERT_GE(found.last, durable) << "death " << death;
    ASSERT_EQ(found.wrong, 0U) << "death " << death;
  }
  EXPECT_GT(durable, 500U);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace aigrid::io
