// What every Env must do: each test is one program, run unchanged by the real loop and by the virtual world.
#include <gtest/gtest.h>

#include <array>

#include "io/env/echo_app_test.h"
#include "io/env/test_runners.h"

namespace aigrid::io {
namespace {

template <class Runner>
struct EnvTest : testing::Test {};
TYPED_TEST_SUITE(EnvTest, Runners);

constexpr const char* kAnyPort = "127.0.0.1:0";

Task<void> echo_large(Env& env) {
  auto listener = env.listen(kAnyPort, {});
  EXPECT_TRUE(listener.ok());
  TaskGroup server(env.executor());
  server.spawn(echo::serve(env, **listener));
  const std::string text = echo::message(3'000'000, 7);
  auto answer = co_await echo::ask(env, (*listener)->address(), text);
  EXPECT_TRUE(answer.ok() && *answer == text);
}
TYPED_TEST(EnvTest, EchoesALargeMessageAndHalfCloses) { TypeParam::run(echo_large); }

Task<void> echo_many(Env& env) {
  auto listener = env.listen(kAnyPort, {});
  TaskGroup server(env.executor());
  server.spawn(echo::serve(env, **listener));
  TaskGroup clients(env.executor());
  int right = 0;
  for (unsigned i = 0; i < 100; ++i) clients.spawn(echo::ask_and_count(env, (*listener)->address(), i, right));
  co_await clients.join();
  EXPECT_EQ(right, 100);
}
TYPED_TEST(EnvTest, ServesManyConnections) { TypeParam::run(echo_many); }

Task<void> echo_unix(Env& env) {
  const std::string path = env.variable("TEST_FOLDER") + "/echo.sock";
  auto listener = env.listen("unix:" + path, {});
  EXPECT_TRUE(listener.ok()) << listener.error().message;
  if (!listener.ok()) co_return;
  TaskGroup server(env.executor());
  server.spawn(echo::serve(env, **listener));
  auto answer = co_await echo::ask(env, "unix:" + path, "hello");
  EXPECT_TRUE(answer.ok() && *answer == "hello");
  auto second = env.listen("unix:" + path, {});
  EXPECT_FALSE(second.ok());
}
TYPED_TEST(EnvTest, SpeaksOverUnixSockets) { TypeParam::run(echo_unix); }

Task<void> fill(Env& env, Stream& stream, std::size_t total, std::size_t& written) {
  const std::string block(65536, 'x');
  while (written < total) {
    auto sent = co_await write_all(env, stream, block);
    if (!sent.ok()) break;
    written += block.size();
  }
  stream.shutdown_write();
}

Task<void> slow_reader(Env& env) {
  auto listener = env.listen(kAnyPort, {});
  auto client = co_await env.dial((*listener)->address(), 5s);
  auto server = co_await (*listener)->accept();
  constexpr std::size_t kTotal = std::size_t{64} << 20U;
  std::size_t written = 0;
  TaskGroup writer(env.executor());
  writer.spawn(fill(env, **client, kTotal, written));
  co_await env.sleep_for(100ms);
  const std::size_t stalled_at = written;
  EXPECT_LT(stalled_at, kTotal) << "nobody reads, yet all was taken";
  co_await env.sleep_for(50ms);
  EXPECT_EQ(written, stalled_at);
  std::size_t read = 0;
  std::string buffer(262144, '\0');
  for (;;) {
    auto got = co_await read_some(env, **server, buffer);
    EXPECT_TRUE(got.ok());
    if (!got.ok() || *got == 0) break;
    read += *got;
  }
  EXPECT_EQ(read, kTotal);
  co_await writer.join();
}
TYPED_TEST(EnvTest, ASlowReaderHoldsTheWriterBack) { TypeParam::run(slow_reader); }

Task<void> mark_order(Env& env, Duration after, int id, std::vector<int>& order) {
  co_await env.sleep_for(after);
  order.push_back(id);
}

Task<void> timers(Env& env) {
  std::vector<int> order;
  TaskGroup group(env.executor());
  const Time start = env.now();
  group.spawn(mark_order(env, 30ms, 3, order));
  group.spawn(mark_order(env, 10ms, 1, order));
  group.spawn(mark_order(env, 20ms, 2, order));
  int fired = 0;
  auto cancelled = env.timer([&fired] { ++fired; });
  cancelled->arm(start + 5ms);
  cancelled->cancel();
  std::unique_ptr<Timer> suicidal = env.timer([&suicidal, &fired] {
    fired += 10;
    suicidal.reset();
  });
  suicidal->arm(start + 500ms);
  suicidal->arm(start + 15ms);
  co_await group.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(fired, 10);
  EXPECT_GE(env.now() - start, 30ms);
}
TYPED_TEST(EnvTest, TimersFireInOrderAndCancel) { TypeParam::run(timers); }

struct Flag {
  bool& flag;
  ~Flag() { flag = true; }
};

Task<void> read_forever(Env& env, Stream& stream, bool& destroyed) {
  const Flag guard{destroyed};
  std::array<char, 16> buffer{};
  auto got = co_await read_some(env, stream, buffer);
  ADD_FAILURE() << "read ended: " << got.ok();
}

Task<void> cancel_mid_read(Env& env) {
  auto listener = env.listen(kAnyPort, {});
  auto client = co_await env.dial((*listener)->address(), 5s);
  auto server = co_await (*listener)->accept();
  bool destroyed = false;
  TaskGroup group(env.executor());
  group.spawn(read_forever(env, **client, destroyed));
  co_await env.sleep_for(1ms);
  EXPECT_EQ(group.size(), 1U);
  group.cancel();
  EXPECT_TRUE(destroyed);
  // The stream is whole: another reader gets what comes.
  EXPECT_TRUE((co_await write_all(env, **server, "late")).ok());
  std::array<char, 16> buffer{};
  auto got = co_await read_some(env, **client, buffer);
  EXPECT_TRUE(got.ok() && *got == 4);
}
TYPED_TEST(EnvTest, ATaskDestroyedMidReadForgetsItsStream) { TypeParam::run(cancel_mid_read); }

Task<void> expect_cancelled(Env& env, Stream& stream, bool& right) {
  std::array<char, 16> buffer{};
  auto got = co_await read_some(env, stream, buffer);
  right = !got.ok() && got.error().code == Code::Cancelled;
}

Task<void> closing(Env& env) {
  auto listener = env.listen(kAnyPort, {});
  auto client = co_await env.dial((*listener)->address(), 5s);
  auto server = co_await (*listener)->accept();
  bool right = false;
  TaskGroup group(env.executor());
  group.spawn(expect_cancelled(env, **client, right));
  (*client)->close();
  co_await group.join();
  EXPECT_TRUE(right);
  std::array<char, 16> buffer{};
  auto end = co_await read_some(env, **server, buffer);
  EXPECT_TRUE(end.ok() && *end == 0);
  (*listener)->close();
  auto none = co_await (*listener)->accept();
  EXPECT_TRUE(!none.ok() && none.error().code == Code::Cancelled);
}
TYPED_TEST(EnvTest, CloseWakesWhoWaits) { TypeParam::run(closing); }

Task<void> taken_and_refused(Env& env) {
  auto listener = env.listen(kAnyPort, {});
  const Address at = (*listener)->address();
  auto second = env.listen(at, {});
  EXPECT_TRUE(!second.ok() && second.error().code == Code::AlreadyExists);
  if (!second.ok()) EXPECT_NE(second.error().message.find(at), std::string::npos) << second.error().message;
  listener->reset();
  auto refused = co_await env.dial(at, 5s);
  EXPECT_TRUE(!refused.ok() && refused.error().code == Code::Unavailable);
  auto nonsense = co_await env.dial("localhost", 5s);
  EXPECT_TRUE(!nonsense.ok() && nonsense.error().code == Code::InvalidArgument);
}
TYPED_TEST(EnvTest, NamesATakenAddressAndReportsARefusedOne) { TypeParam::run(taken_and_refused); }

Task<void> blocking_and_post(Env& env) {
  int steps = 0;
  const std::function<void()> work = [&steps] { ++steps; };
  co_await env.blocking(work);
  EXPECT_EQ(steps, 1);
  Event posted(env.executor());
  env.mailbox()->post([&posted] { posted.set(); });
  co_await posted.wait();
  std::array<char, 32> a{};
  std::array<char, 32> b{};
  env.entropy(a);
  env.entropy(b);
  EXPECT_NE(a, b);
}
TYPED_TEST(EnvTest, BlockingWorkAndPostsComeBack) { TypeParam::run(blocking_and_post); }

Task<void> files(Env& env) {
  Files& disk = env.files();
  const std::string root = env.variable("TEST_FOLDER") + "/a/b";
  EXPECT_TRUE(disk.make_folders(root).ok());
  EXPECT_TRUE(disk.make_folders(root).ok());
  EXPECT_EQ(disk.open(root + "/none", OpenMode::Read).error().code, Code::NotFound);
  {
    auto file = disk.open(root + "/log", OpenMode::CreateNew);
    EXPECT_TRUE(file.ok());
    EXPECT_TRUE((*file)->append("hello ").ok());
    EXPECT_TRUE((*file)->append("world").ok());
    EXPECT_TRUE((*file)->write_at(0, "J").ok());
    auto synced = co_await (*file)->sync();
    EXPECT_TRUE(synced.ok());
    EXPECT_EQ(*(*file)->size(), 11U);
    std::array<char, 64> into{};
    EXPECT_EQ(*(*file)->read_at(6, into), 5U);
    EXPECT_TRUE((*file)->truncate(5).ok());
  }
  EXPECT_EQ(disk.open(root + "/log", OpenMode::CreateNew).error().code, Code::AlreadyExists);
  EXPECT_EQ(*disk.read_all(root + "/log"), "Jello");
  EXPECT_TRUE(disk.replace(root + "/conf", "one").ok());
  EXPECT_TRUE(disk.replace(root + "/conf", "two").ok());
  EXPECT_EQ(*disk.read_all(root + "/conf"), "two");
  EXPECT_EQ(*disk.list(root), (std::vector<std::string>{"conf", "log"}));
  EXPECT_TRUE(disk.rename(root + "/log", root + "/old").ok());
  EXPECT_EQ(disk.stat(root + "/log").error().code, Code::NotFound);
  EXPECT_EQ(disk.stat(root + "/old")->size, 5U);
  EXPECT_TRUE(disk.stat(root)->directory);
  EXPECT_FALSE(disk.remove(root).ok()) << "a folder with files in it";
  EXPECT_TRUE(disk.remove(root + "/old").ok());
  EXPECT_TRUE(disk.remove(root + "/conf").ok());
  EXPECT_TRUE(disk.remove(root).ok());
  EXPECT_GT(*disk.free_bytes("/"), 0U);
  EXPECT_GE(*disk.total_bytes("/"), *disk.free_bytes("/"));
}
TYPED_TEST(EnvTest, FilesKeepWhatIsWritten) { TypeParam::run(files); }

}  // namespace
}  // namespace aigrid::io
