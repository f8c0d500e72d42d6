#include "format/http/h2.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace aigrid::http {
namespace {

// Two sessions joined by wires; events are collected.
struct Pair {
  H2Session requester{H2Role::Requester};
  H2Session server{H2Role::Server};
  std::vector<H2Event> at_requester;
  std::vector<H2Event> at_server;
  std::string to_server_log;

  static void drain(H2Session& s, std::vector<H2Event>& into) {
    while (auto e = s.next_event()) into.push_back(std::move(*e));
  }
  void pump(std::size_t step = 1000) {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto [from, to] : {std::pair(&requester, &server), std::pair(&server, &requester)}) {
        const std::string out(from->pending_output().substr(0, step));
        if (out.empty()) continue;
        from->consume_output(out.size());
        EXPECT_TRUE(to->receive(out).ok());
        moved = true;
      }
      drain(requester, at_requester);
      drain(server, at_server);
    }
  }
  template <class T>
  static std::vector<T> all(const std::vector<H2Event>& events) {
    std::vector<T> out;
    for (const auto& e : events)
      if (const auto* t = std::get_if<T>(&e)) out.push_back(*t);
    return out;
  }
  static std::string bytes(const std::vector<H2Event>& events, StreamId id) {
    std::string out;
    for (const auto& b : all<H2Bytes>(events))
      if (b.stream == id) out += b.bytes;
    return out;
  }
};

RequestHead post() { return {"POST", "/inner/attempt", {{"host", "site"}, {"x-ask", "1"}}}; }

TEST(H2, BothDirectionsInterleaved) {
  Pair p;
  const auto id = *p.requester.open(post(), false);
  ASSERT_TRUE(p.requester.send(id, "ask"));
  p.pump(7);
  const auto heads = Pair::all<H2RequestHead>(p.at_server);
  ASSERT_EQ(heads.size(), 1U);
  EXPECT_EQ(heads[0].head.method, "POST");
  EXPECT_EQ(heads[0].head.target, "/inner/attempt");
  EXPECT_EQ(heads[0].head.headers.get("host"), "site");
  EXPECT_EQ(heads[0].head.headers.get("x-ask"), "1");
  ASSERT_TRUE(p.server.respond(id, {200, {{"content-type", "x"}}}, false));
  ASSERT_TRUE(p.server.send(id, "one"));
  p.pump();
  ASSERT_TRUE(p.requester.send(id, "-cancel"));  // the request side is still open
  p.pump();
  EXPECT_EQ(Pair::bytes(p.at_server, id), "ask-cancel");
  ASSERT_TRUE(p.server.send(id, "two"));
  ASSERT_TRUE(p.server.end(id));
  p.pump();
  EXPECT_EQ(Pair::bytes(p.at_requester, id), "onetwo");
  EXPECT_EQ(Pair::all<H2End>(p.at_requester).size(), 1U);
  ASSERT_TRUE(p.requester.end(id));
  p.pump();
  EXPECT_EQ(Pair::all<H2End>(p.at_server).size(), 1U);
  EXPECT_EQ(p.requester.streams(), 0U);
  EXPECT_EQ(p.server.streams(), 0U);
  EXPECT_TRUE(Pair::all<H2Reset>(p.at_server).empty());
  EXPECT_FALSE(p.server.send(id, "late"));
}

TEST(H2, StreamWindowIsTheApplications) {
  Pair p;
  const auto slow = *p.requester.open(post(), true);
  const auto quick = *p.requester.open(post(), true);
  p.pump();
  for (const auto id : {slow, quick}) {
    ASSERT_TRUE(p.server.respond(id, {200, {}}, false));
    ASSERT_TRUE(p.server.send(id, std::string(300'000, 'x')));
    ASSERT_TRUE(p.server.end(id));
  }
  p.pump();
  EXPECT_EQ(Pair::bytes(p.at_requester, slow).size(), H2Session::kStreamWindow);
  EXPECT_EQ(p.server.buffered(slow), 300'000U - H2Session::kStreamWindow);
  // Neither stream holds up the other: the connection's window was returned on receipt.
  std::size_t returned = 0;
  while (returned < 300'000) {
    const auto got = Pair::bytes(p.at_requester, quick).size();
    ASSERT_GT(got, returned);
    p.requester.consume(quick, got - returned);
    returned = got;
    p.pump();
  }
  EXPECT_EQ(Pair::bytes(p.at_requester, slow).size(), H2Session::kStreamWindow);
  EXPECT_EQ(Pair::all<H2End>(p.at_requester).size(), 1U);
  const auto writable = Pair::all<H2Writable>(p.at_server);
  ASSERT_EQ(writable.size(), 1U);
  EXPECT_EQ(writable[0].stream, quick);
}

TEST(H2, ManyStreams) {
  Pair p;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(p.requester.open(post(), true).ok());
  p.pump(50'000);
  const auto heads = Pair::all<H2RequestHead>(p.at_server);
  ASSERT_EQ(heads.size(), 1000U);
  for (const auto& h : heads) ASSERT_TRUE(p.server.respond(h.stream, {204, {}}, true));
  p.pump(50'000);
  EXPECT_EQ(Pair::all<H2ResponseHead>(p.at_requester).size(), 1000U);
  EXPECT_EQ(p.requester.streams(), 0U);
}

TEST(H2, ResetIsSeen) {
  Pair p;
  const auto id = *p.requester.open(post(), false);
  p.pump();
  p.requester.reset(id);
  p.pump();
  const auto resets = Pair::all<H2Reset>(p.at_server);
  ASSERT_EQ(resets.size(), 1U);
  EXPECT_EQ(resets[0].code, kH2Cancel);
  EXPECT_FALSE(p.server.respond(id, {200, {}}, true));
}

TEST(H2, Ping) {
  Pair p;
  const PingPayload payload{1, 2, 3, 4, 5, 6, 7, 8};
  p.server.ping(payload);
  p.pump();
  const auto acks = Pair::all<H2PingAck>(p.at_server);
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(acks[0].payload, payload);
}

TEST(H2, GoawayLetsStreamsFinish) {
  Pair p;
  const auto id = *p.requester.open(post(), false);
  p.pump();
  p.server.goaway();
  p.pump();
  ASSERT_EQ(Pair::all<H2Goaway>(p.at_requester).size(), 1U);
  EXPECT_FALSE(p.requester.open(post(), true).ok());
  EXPECT_FALSE(p.server.finished());
  ASSERT_TRUE(p.server.respond(id, {200, {}}, true));
  ASSERT_TRUE(p.requester.end(id));
  p.pump();
  EXPECT_EQ(Pair::all<H2ResponseHead>(p.at_requester).size(), 1U);
  EXPECT_TRUE(p.server.finished());
  EXPECT_TRUE(p.requester.finished());
}

// Feeds the server until it refuses; returns how many rounds it took.
int rounds_until_refused(Pair& p, int limit, const std::function<void(int)>& round) {
  for (int i = 0; i < limit; ++i) {
    round(i);
    const std::string out(p.requester.pending_output());
    p.requester.consume_output(out.size());
    if (!p.server.receive(out).ok()) return i;
    while (p.server.next_event()) {
    }
    p.server.consume_output(p.server.pending_output().size());
    if (p.server.finished()) return i;
  }
  return limit;
}

TEST(H2Abuse, RapidReset) {
  Pair p;
  p.pump();
  const auto rounds = rounds_until_refused(p, 5000, [&](int) {
    const auto id = p.requester.open(post(), false);
    if (!id.ok()) return;
    const std::string head(p.requester.pending_output());
    p.requester.consume_output(head.size());
    (void)p.server.receive(head).ok();
    p.requester.reset(*id);
  });
  EXPECT_LT(rounds, 2000);
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string out;
  const auto n = payload.size();
  for (const auto b :
       {static_cast<std::uint32_t>(n >> 16U), static_cast<std::uint32_t>(n >> 8U), static_cast<std::uint32_t>(n)})
    out.push_back(static_cast<char>(b & 0xffU));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<char>((stream >> shift) & 0xffU));
  out.append(payload);
  return out;
}

// A literal header field without indexing, no Huffman; sizes below 127.
std::string field(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out.push_back(static_cast<char>(name.size()));
  out.append(name);
  out.push_back(static_cast<char>(value.size()));
  out.append(value);
  return out;
}

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "");
constexpr std::string_view kGet =
    "\x82\x87\x84\x01\x01"
    "a";  // :method GET, :scheme https, :path /, :authority a

struct Lone {
  H2Session server{H2Role::Server};
  std::vector<H2Event> events;
  bool closed = false;
  void feed(const std::string& bytes) {
    if (!server.receive(bytes).ok()) closed = true;
    Pair::drain(server, events);
    server.consume_output(server.pending_output().size());
    if (server.finished()) closed = true;
  }
};

TEST(H2Abuse, ContinuationFlood) {
  Lone l;
  l.feed(kPreface + frame(1, 0x1, 1, kGet));  // HEADERS without END_HEADERS
  int i = 0;
  for (; i < 1000 && !l.closed; ++i) l.feed(frame(9, 0, 1, field("a", "b")));
  EXPECT_LT(i, 100);
}

TEST(H2Abuse, HeaderBomb) {
  Lone l;
  // One entry of 4,000 bytes in the table, then 2,000 references to it: 8 MB of headers from 6 KB.
  std::string block(kGet);
  block += std::string("\x40\x01") + "a" + "\x7f\xa1\x1e" + std::string(4000, 'x');
  for (int i = 0; i < 2000; ++i) block += '\xbe';
  l.feed(kPreface + frame(1, 0x5, 1, block));
  EXPECT_TRUE(Pair::all<H2RequestHead>(l.events).empty());
  EXPECT_EQ(l.server.streams(), 0U);
}

TEST(H2Abuse, TooManyHeaders) {
  Lone l;
  std::string block(kGet);
  for (int i = 0; i < 200; ++i) block += field("a", "b");
  l.feed(kPreface + frame(1, 0x5, 1, block));
  EXPECT_TRUE(Pair::all<H2RequestHead>(l.events).empty());
  l.feed(frame(1, 0x5, 3, std::string(kGet) + field("a", "b")));  // the connection goes on
  EXPECT_EQ(Pair::all<H2RequestHead>(l.events).size(), 1U);
}

TEST(H2Abuse, BadHeads) {
  const std::string heads[] = {
      std::string(kGet) + field("host", "b"),
      std::string(kGet) + field("Upper", "b"),
      std::string(kGet) + field("connection", "close"),
      std::string(kGet) + field("transfer-encoding", "chunked"),
      std::string(kGet) + field("a", "b\nc"),
      std::string(kGet) + field("a", "b") + field(":status", "200"),
      std::string("\x82\x87\x01\x01"
                  "a") +
          field(":path", "no-slash"),
      std::string("\x82\x87\x01\x01"
                  "a"),
  };
  for (const auto& head : heads) {
    Lone l;
    l.feed(kPreface + frame(1, 0x5, 1, head));
    EXPECT_TRUE(Pair::all<H2RequestHead>(l.events).empty()) << head;
    EXPECT_EQ(l.server.streams(), 0U) << head;
  }
}

TEST(H2Abuse, PingAndSettingsFloodWithoutReading) {
  for (const auto& one : {frame(6, 0, 0, "12345678"), frame(4, 0, 0, "")}) {
    H2Session server(H2Role::Server);
    bool ok = server.receive(kPreface).ok();
    int i = 0;
    for (; ok && i < 5000; ++i) ok = server.receive(one).ok();  // its answers are never taken
    EXPECT_LT(i, 2000);
  }
}

TEST(H2Abuse, EmptyDataFlood) {
  Lone l;
  l.feed(kPreface + frame(1, 0x4, 1,
                          "\x83\x87\x84\x01\x01"
                          "a"));  // POST, open
  int i = 0;
  for (; i < 5000 && !l.closed; ++i) l.feed(frame(0, 0, 1, ""));
  EXPECT_LT(i, 500);
}

TEST(H2Abuse, ResetsProvokedByTheAttacker) {
  Lone l;
  l.feed(kPreface);
  int i = 0;
  for (; i < 5000 && !l.closed; ++i)
    l.feed(frame(1, 0x4, static_cast<std::uint32_t>(2 * i + 1), kGet) +
           frame(8, 0, static_cast<std::uint32_t>(2 * i + 1), std::string(4, '\0')));  // WINDOW_UPDATE of 0
  EXPECT_LT(i, 2000);
}

TEST(H2Abuse, NotHttp2) {
  H2Session server(H2Role::Server);
  EXPECT_FALSE(server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  H2Session requester(H2Role::Requester);
  const bool refused = !requester.receive("HTTP/1.1 400 Bad Request\r\n\r\n").ok();
  (void)requester.pending_output();
  EXPECT_TRUE(refused || !requester.receive("x").ok());
}

}  // namespace
}  // namespace aigrid::http
