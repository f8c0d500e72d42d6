#include "format/http/h1.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "format/http/h1_writer.h"

namespace aigrid::http {
namespace {

struct Outcome {
  std::string trace;  // H body E !status
  std::string body;
  RequestHead request;
  ResponseHead response;
  std::size_t used = 0;
};

// Feeds `bytes` in pieces of at most `step`.
Outcome parse(H1Parser& p, std::string_view bytes, std::size_t step = std::string_view::npos) {
  Outcome out;
  while (out.used < bytes.size()) {
    const auto n = p.feed(bytes.substr(out.used, step));
    out.used += n;
    while (auto e = p.next()) {
      switch (e->kind) {
        case H1Event::Kind::Head: out.trace += 'H'; break;
        case H1Event::Kind::Body: out.body += e->body; break;
        case H1Event::Kind::End: out.trace += 'E'; break;
        case H1Event::Kind::Error: out.trace += "!" + std::to_string(e->status); break;
      }
    }
    if (n == 0) break;
  }
  out.request = p.request();
  out.response = p.response();
  return out;
}

Outcome request(std::string_view bytes, const H1Limits& limits = {}) {
  H1Parser p(H1Role::Server, limits);
  return parse(p, bytes);
}

TEST(H1Request, Whole) {
  const auto o = request("POST /v1/x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX:  b c \r\n\r\nhelloGET ");
  EXPECT_EQ(o.trace, "HE");
  EXPECT_EQ(o.body, "hello");
  EXPECT_EQ(o.request.method, "POST");
  EXPECT_EQ(o.request.target, "/v1/x?y=1");
  EXPECT_EQ(o.request.headers.get("x"), "b c");
}

TEST(H1Request, Chunked) {
  const auto o = request(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nHost: evil\r\n"
      "Authorization: x\r\n\r\n");
  EXPECT_EQ(o.trace, "HE");
  EXPECT_EQ(o.body, "hello!");
  EXPECT_EQ(o.request.headers.get("host"), "a");  // trailers never become headers
  EXPECT_FALSE(o.request.headers.has("authorization"));
}

TEST(H1Request, KeepAlive) {
  const auto alive = [](std::string_view bytes) {
    H1Parser p(H1Role::Server);
    EXPECT_EQ(parse(p, bytes).trace, "HE") << bytes;
    return p.framing().keep_alive;
  };
  EXPECT_TRUE(alive("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n"));
  EXPECT_FALSE(alive("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(H1Request, AbsoluteForm) {
  const auto o = request("GET http://real:80/p?q HTTP/1.1\r\nHost: fake\r\n\r\n");
  EXPECT_EQ(o.trace, "HE");
  EXPECT_EQ(o.request.target, "/p?q");
  EXPECT_EQ(o.request.headers.get("host"), "real:80");
  EXPECT_EQ(request("GET http://real?q HTTP/1.1\r\nHost: fake\r\n\r\n").request.target, "/?q");
}

const std::string h = "POST / HTTP/1.1\r\nHost: a\r\n";
const std::string chunked = h + "Transfer-Encoding: chunked\r\n\r\n";

TEST(H1Request, Refused) {
  const std::pair<std::string, std::string> cases[] = {
      {h + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "!400"},
      {h + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "!400"},
      {h + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", "!400"},
      {h + "Content-Length: 1,1\r\n\r\n", "!400"},
      {h + "Content-Length: +1\r\n\r\n", "!400"},
      {h + "Content-Length: -1\r\n\r\n", "!400"},
      {h + "Content-Length: 0x1\r\n\r\n", "!400"},
      {h + "Content-Length: \r\n\r\n", "!400"},
      {h + "Content-Length: 18446744073709551617\r\n\r\n", "!400"},
      {h + "Content-Length: 99999999999\r\n\r\n", "!413"},
      {h + "Transfer-Encoding: gzip\r\n\r\n", "!501"},
      {h + "Transfer-Encoding: xchunked\r\n\r\n", "!501"},
      {h + "Transfer-Encoding: chunked, identity\r\n\r\n", "!501"},
      {h + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "!400"},
      {h + "Transfer-Encoding : chunked\r\n\r\n", "!400"},
      {h + "Transfer-Encoding: \x0b"
           "chunked\r\n\r\n",
       "!400"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "!400"},
      {h + "A: b\n\r\n", "!400"},
      {h + "A: b\r\n c\r\n\r\n", "!400"},
      {h + "A: b\rc\r\n\r\n", "!400"},
      {h + std::string("A: b\0c\r\n\r\n", 11), "!400"},
      {h + " A: b\r\n\r\n", "!400"},
      {h + ": b\r\n\r\n", "!400"},
      {h + "A\r\n\r\n", "!400"},
      {h + "Host: b\r\n\r\n", "!400"},
      {h + "Expect: 200-maybe\r\n\r\n", "!417"},
      {"GET / HTTP/1.1\r\n\r\n", "!400"},
      {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "!400"},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "!400"},
      {"GET /\xC0\xAF HTTP/1.1\r\nHost: a\r\n\r\n", "!400"},
      {"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "!400"},
      {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", "!400"},
      {"GET ftp://x/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"},
      {"GET http://u@x/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "!501"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!505"},
      {"GET /\r\n", "!400"},
      {"G(T / HTTP/1.1\r\n", "!400"},
      {"\r\n\r\nGET / HTTP/1.1\r\n", "!400"},
      {chunked + "g\r\n", "H!400"},
      {chunked + "\r\n", "H!400"},
      {chunked + "-1\r\n", "H!400"},
      {chunked + "0x1\r\n", "H!400"},
      {chunked + " 1\r\n", "H!400"},
      {chunked + "1 \r\n", "H!400"},
      {chunked + "ffffffffffffffff\r\n", "H!400"},
      {chunked + "fffffffffffffff\r\n", "H!413"},
      {chunked + "10000000000000000\r\n", "H!400"},
      {chunked + "1\nx\r\n", "H!400"},
      {chunked + "1\r\nxy\r\n", "H!400"},
      {chunked + "1;" + std::string(300, 'a') + "\r\n", "H!400"},
      {chunked + "0\r\n x: y\r\n\r\n", "H!400"},
      {chunked + "0\r\nbad name: y\r\n\r\n", "H!400"},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n", "!414"},
      {"GET /" + std::string(9000, 'a'), "!414"},
      {h + "A: " + std::string(40'000, 'b'), "!431"},
  };
  for (const auto& [bytes, want] : cases) {
    H1Parser whole(H1Role::Server);
    EXPECT_EQ(parse(whole, bytes).trace, want) << bytes.substr(0, 200);
    H1Parser one(H1Role::Server);
    EXPECT_EQ(parse(one, bytes, 1).trace, want) << "byte by byte: " << bytes.substr(0, 200);
  }
}

TEST(H1Request, ManySmallExtensions) {
  std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) bytes += "1;" + std::string(100, 'e') + "\r\nx\r\n";
  EXPECT_EQ(request(bytes).trace, "H!400");
}

TEST(H1Request, HeaderCount) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) bytes += "a: b\r\n";
  EXPECT_EQ(request(bytes + "\r\n").trace, "HE");
  EXPECT_EQ(request(bytes + "a: b\r\n\r\n").trace, "!431");
}

TEST(H1Request, BodyLimit) {
  H1Limits limits;
  limits.body_bytes = 4;
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", limits).trace, "HE");
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", limits).trace, "!413");
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n", limits).trace,
            "H!413");
}

TEST(H1Request, ExpectContinue) {
  H1Parser p(H1Role::Server);
  EXPECT_EQ(parse(p, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n").trace, "H");
  EXPECT_TRUE(p.framing().expect_continue);
}

TEST(H1Request, PipelinedAndCut) {
  H1Parser p(H1Role::Server);
  const std::string two = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
  auto o = parse(p, two);
  EXPECT_EQ(o.trace, "HE");
  p.restart();
  auto second = parse(p, std::string_view(two).substr(o.used));
  EXPECT_EQ(second.trace, "HE");
  EXPECT_EQ(second.request.target, "/b");
  p.restart();
  p.feed_end();
  EXPECT_FALSE(p.next());  // a clean end
  parse(p, "GET /");
  p.feed_end();
  ASSERT_TRUE(p.failed());
}

Outcome response(std::string_view bytes, bool head = false, bool close = false) {
  H1Parser p(H1Role::Client);
  if (head) p.expect_no_body();
  auto o = parse(p, bytes, 3);
  if (close) {
    p.feed_end();
    while (auto e = p.next()) o.trace += e->kind == H1Event::Kind::End ? "E" : "!" + std::to_string(e->status);
  }
  return o;
}

TEST(H1Response, Framings) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab").trace, "HE");
  EXPECT_EQ(response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").trace, "HE");
  EXPECT_EQ(response("HTTP/1.1 204 No Content\r\n\r\n").trace, "HE");
  EXPECT_EQ(response("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n").trace, "HE");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", true).trace, "HE");
  const auto informed = response(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 201 c\r\nContent-Length: 1\r\n\r\nz");
  EXPECT_EQ(informed.trace, "HE");
  EXPECT_EQ(informed.response.status, 201);
  EXPECT_FALSE(informed.response.headers.has("a"));
  const auto closed = response("HTTP/1.0 200 OK\r\n\r\nuntil the end", false, true);
  EXPECT_EQ(closed.trace, "HE");
  EXPECT_EQ(closed.body, "until the end");
}

TEST(H1Response, CutIsNeverAnEnd) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false, true).trace, "H!502");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", false, true).trace, "H!502");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", false, true).trace, "H!502");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\n", false, true).trace, "!502");
  EXPECT_EQ(response("", false, true).trace, "!502");
}

TEST(H1Response, Refused) {
  for (const auto* bad : {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 600 x\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
                          "ICY 200 OK\r\n\r\n", "HTTP/1.1 101 Switch\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"})
    EXPECT_EQ(response(bad).trace, "!502") << bad;
}

TEST(H1Writer, CannotBeSplit) {
  const ResponseHead head{200, {{"a", "x\r\nSet-Cookie: y"}, {"bad name", "z"}}};
  EXPECT_EQ(write_response_head(head), "HTTP/1.1 200 OK\r\na: x  Set-Cookie: y\r\n\r\n");
  const RequestHead request_head{"GET", "/a b\r\n", {{"host", "h"}}};
  EXPECT_EQ(write_request_head(request_head), "GET /a%20b%0D%0A HTTP/1.1\r\nhost: h\r\n\r\n");
  EXPECT_EQ(chunk_prefix(0x1a2b), "1a2b\r\n");
}

TEST(H1, WrittenIsReadBackHoweverCut) {
  EXPECT_TRUE(rc::check([](const std::vector<std::string>& chunks) {
    const RequestHead head{"POST", "/v1", {{"host", "h"}, {"transfer-encoding", "chunked"}, {"x", "y z"}}};
    std::string wire = write_request_head(head);
    std::string body;
    for (const auto& c : chunks) {
      if (c.empty()) continue;
      wire.append(chunk_prefix(c.size())).append(c).append(kChunkEnd);
      body += c;
    }
    wire += kLastChunk;
    H1Parser p(H1Role::Server);
    const auto o = parse(p, wire, *rc::gen::inRange<std::size_t>(1, 20));
    RC_ASSERT(o.trace == "HE");
    RC_ASSERT(o.body == body);
    RC_ASSERT(o.request == head);
    RC_ASSERT(o.used == wire.size());
  }));
}

TEST(H1, NeverReadsPastItsMessageNorDependsOnTheCut) {
  EXPECT_TRUE(rc::check([] {
    const auto noise =
        *rc::gen::container<std::string>(rc::gen::element('\r', '\n', ':', ' ', 'a', '0', '1', ';', ',', '/', '\t'));
    const std::string bytes = "POST / HTTP/1.1\r\nhost: a\r\n" + noise + "\r\n\r\n";
    H1Parser whole(H1Role::Server);
    H1Parser cut(H1Role::Server);
    const auto a = parse(whole, bytes);
    const auto b = parse(cut, bytes, 1);
    RC_ASSERT(a.trace == b.trace);
    RC_ASSERT(a.request == b.request);
    RC_ASSERT(a.body == b.body);
  }));
}

}  // namespace
}  // namespace aigrid::http
