#include "format/http/sse.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace aigrid::http {
namespace {

std::vector<std::string> scan(std::string_view bytes, std::size_t step, std::string* raw = nullptr) {
  SseScanner s;
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    EXPECT_TRUE(s.feed(bytes.substr(at, step)).ok());
    while (auto e = s.next()) {
      out.push_back(std::string(e->type) + "|" + std::string(e->data) + "|" + std::string(e->id));
      if (raw) *raw += e->raw;
    }
  }
  return out;
}

TEST(Sse, EveryLineEnd) {
  const std::vector<std::string> want{"|a\nb|", "x|c|7"};
  for (const std::string_view eol : {"\n", "\r\n", "\r"}) {
    std::string bytes;
    for (const auto* line :
         {"data: a", "data:b", "", ": note", "", "event: x", "id: 7", "data: c", "retry: 5", "", "data: cut"}) {
      bytes += line;
      bytes += eol;
    }
    for (std::size_t step = 1; step < 12; ++step) EXPECT_EQ(scan(bytes, step), want) << step;
  }
}

TEST(Sse, ByteOrderMarkAndEmptyData) {
  EXPECT_EQ(scan("\xEF\xBB\xBF"
                 "data: a\n\ndata\n\n",
                 1),
            (std::vector<std::string>{"|a|", "||"}));
}

TEST(Sse, Partial) {
  SseScanner s;
  ASSERT_TRUE(s.feed("data: [DONE]\r\r").ok());
  ASSERT_TRUE(s.next());
  EXPECT_FALSE(s.partial());
  ASSERT_TRUE(s.feed("\n").ok());
  EXPECT_FALSE(s.partial());
  ASSERT_TRUE(s.feed("data: x\n").ok());
  EXPECT_TRUE(s.partial());
}

TEST(Sse, Bounded) {
  SseScanner s(64);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "data: 0123456789\n\n";
  EXPECT_TRUE(s.feed(many).ok());  // only an unfinished event counts
  int seen = 0;
  while (s.next()) ++seen;
  EXPECT_EQ(seen, 100);
  const auto over = s.feed("data: a\n\ndata: " + std::string(64, 'x'));
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Code::ResourceExhausted);
  EXPECT_TRUE(s.next());
  EXPECT_FALSE(s.next());
  EXPECT_FALSE(s.feed("\n\n").ok());
}

TEST(Sse, WrittenIsReadBackAndRawIsVerbatim) {
  EXPECT_TRUE(rc::check([](const std::vector<std::string>& texts) {
    std::string bytes;
    std::vector<std::string> want;
    for (auto text : texts) {
      for (auto& c : text)
        if (c == '\r' || c == '\0') c = '\n';
      append_sse(bytes, text, "t", "i");
      want.push_back("t|" + text + "|i");
    }
    std::string raw;
    RC_ASSERT(scan(bytes, *rc::gen::inRange<std::size_t>(1, 30), &raw) == want);
    RC_ASSERT(raw == bytes);
  }));
}

}  // namespace
}  // namespace aigrid::http
