// Frames over one HTTP/2 stream: the window is given back for what the taker consumed, and for nothing else.
#include "app/gateway/frame_stream.h"

#include <gtest/gtest.h>

#include "io/env/virtual_world.h"

namespace aigrid::gateway {
namespace {

struct Seen {
  std::size_t data = 0;
  std::size_t tail = 0;
  bool end = false;
  bool over = false;  // read_into returned
  bool ok = false;
};

// Takes at once, or only when told.
class Taker final : public AttemptSink {
 public:
  Taker(Seen& seen, bool takes) : seen_(seen), takes_(takes) {}
  void on_frame(std::uint32_t, const inner::Frame& frame) override {
    std::size_t payload = 0;
    if (const auto* data = std::get_if<inner::Data>(&frame)) seen_.data += payload = data->bytes.size();
    if (const auto* tail = std::get_if<inner::Tail>(&frame)) seen_.tail += payload = tail->bytes.size();
    if (std::holds_alternative<inner::End>(frame)) seen_.end = true;
    waiting += payload;
    if (takes_) take();
  }
  void on_lost(std::uint32_t, const std::string&, const std::string&) override {}
  void take() {
    if (stream != nullptr && waiting > 0) stream->consumed(std::exchange(waiting, 0));
  }

  FrameStream* stream = nullptr;
  std::size_t waiting = 0;

 private:
  Seen& seen_;
  bool takes_;
};

// What the far side sends, and how much of it has left.
struct Script {
  std::vector<std::string> frames;
  std::size_t sent = 0;
};

io::Task<void> play(Script& script, std::shared_ptr<io::H2Stream> stream) {
  EXPECT_TRUE(stream->respond({200, {}}).ok());
  for (const auto& frame : script.frames) {
    auto sent = co_await stream->write(frame);
    if (!sent.ok()) co_return;
    script.sent += frame.size();
  }
  (void)stream->end().ok();
}

io::Task<void> serve(io::Env& env, io::Listener& listener, Script& script) {
  auto raw = co_await listener.accept();
  io::H2Connection connection(env, std::move(*raw), http::H2Role::Server,
                              [&script](std::shared_ptr<io::H2Stream> s) { return play(script, std::move(s)); });
  co_await connection.run();
}

io::Task<void> read(FrameStream& stream, Taker& taker, Seen& seen) {
  const auto read = co_await stream.read_into(1, taker);
  seen.ok = read.ok();
  seen.over = true;
}

// Reads the script's answer; a taker that waits takes all there is every `every` of virtual time.
io::Task<void> take_all(io::Env& env, Script& script, Seen& seen, Duration every, std::size_t& most_ahead) {
  auto listener = env.listen("127.0.0.1:0", {});
  io::TaskGroup tasks(env.executor());
  tasks.spawn(serve(env, **listener, script));
  auto raw = co_await env.dial((*listener)->address(), 5s);
  io::H2Connection connection(env, std::move(*raw), http::H2Role::Requester);
  auto opened = connection.open({"POST", "/inner/attempt", {{"host", "x"}}}, false);
  FrameStream stream(env, *opened);
  Taker taker(seen, every.count() == 0);
  taker.stream = &stream;
  io::TaskGroup using_them(env.executor());  // last: its frames use all above
  using_them.spawn(connection.run());
  using_them.spawn(read(stream, taker, seen));
  while (!seen.over) {
    co_await env.sleep_for(every.count() == 0 ? 1ms : every);
    most_ahead = std::max(most_ahead, script.sent - std::min(script.sent, seen.data + seen.tail - taker.waiting));
    taker.take();
  }
  connection.close();
}

Seen run(Script& script, Duration every, std::size_t& most_ahead) {
  io::VirtualWorld world(1);
  world.add_host("paris/test");
  Seen seen;
  world.spawn("paris/test", [&](io::Env& env) { return take_all(env, script, seen, every, most_ahead); });
  EXPECT_TRUE(world.run_until([&] { return seen.over; }, 60s)) << "data " << seen.data << " tail " << seen.tail;
  return seen;
}

std::string data(std::size_t n) { return inner::encode(inner::Data{std::string(n, 'd')}); }
std::string tail(std::size_t n) { return inner::encode(inner::Tail{std::string(n, 't')}); }
std::string end() {
  inner::End frame;
  frame.finish = "stop";
  return inner::encode(frame);
}

// A frame many times the stream's window, then enough data to show that no byte of window was lost or given twice.
TEST(FrameStream, TailOfAMegabyte) {
  for (const Duration every : {Duration(0), Duration(5ms)}) {
    Script script;
    script.frames = {data(100), tail(1'000'000)};
    for (int i = 0; i < 100; ++i) script.frames.push_back(data(10'000));
    script.frames.push_back(end());
    std::size_t most_ahead = 0;
    const Seen seen = run(script, every, most_ahead);
    EXPECT_TRUE(seen.ok && seen.end);
    EXPECT_EQ(seen.data, 1'000'100U);
    EXPECT_EQ(seen.tail, 1'000'000U);
  }
}

// A taker that takes nothing for a while holds the far side to about the window and its send buffer.
TEST(FrameStream, WindowFollowsTheTaker) {
  Script script;
  for (int i = 0; i < 400; ++i) script.frames.push_back(data(5'000));
  script.frames.push_back(end());
  std::size_t most_ahead = 0;
  const Seen seen = run(script, 1s, most_ahead);
  EXPECT_TRUE(seen.ok && seen.end);
  EXPECT_EQ(seen.data, 2'000'000U);
  EXPECT_GT(most_ahead, 50'000U);
  EXPECT_LT(most_ahead, 3 * http::H2Session::kStreamWindow);
}

TEST(FrameStream, EndWithoutEndFrameIsALoss) {
  Script script;
  script.frames = {data(100)};
  std::size_t most_ahead = 0;
  const Seen seen = run(script, Duration(0), most_ahead);
  EXPECT_FALSE(seen.ok);
  EXPECT_EQ(seen.data, 100U);
}

TEST(FrameStream, GarbageIsAnError) {
  Script script;
  script.frames = {std::string("\xff\x00\x00\x01z", 5)};
  std::size_t most_ahead = 0;
  const Seen seen = run(script, Duration(0), most_ahead);
  EXPECT_FALSE(seen.ok);
}

}  // namespace
}  // namespace aigrid::gateway
