#include "core/access/grant_book.h"

#include <gmock/gmock.h>

namespace aigrid::access {
namespace {

using ::testing::HasSubstr;

GrantBook::Question question(std::string_view grant, std::uint64_t expires_ms) {
  GrantBook::Question q;
  q.grant = grant;
  q.expires_ms = expires_ms;
  q.bundle_version = 7;
  q.least_version = 7;
  q.age = 1s;
  return q;
}

std::string why(GrantBook& book, const GrantBook::Question& q, Time now) {
  const auto taken = book.take(q, now);
  return taken.ok() ? "taken" : taken.error().message;
}

TEST(GrantBook, TakesEachGrantOnce) {
  GrantBook book;
  EXPECT_EQ(why(book, question("a", 31'000), Time(5s)), "taken");
  EXPECT_THAT(why(book, question("a", 31'000), Time(6s)), HasSubstr("used before"));
  EXPECT_EQ(why(book, question("b", 31'000), Time(6s)), "taken");
  EXPECT_EQ(book.remembered(), 2U);
  EXPECT_EQ(why(book, question("c", 31'000), Time(60s)), "taken");
  EXPECT_EQ(book.remembered(), 1U) << "what has expired is forgotten: its age refuses it now";
}

TEST(GrantBook, RefusesWhatIsExpiredTooLongOrStale) {
  GrantBook book;
  EXPECT_THAT(why(book, question("a", 1000), Time(5s)), HasSubstr("expired 0 ms ago"));
  EXPECT_THAT(why(book, question("a", 600), Time(5s)), HasSubstr("expired 400 ms ago"));
  EXPECT_THAT(why(book, question("a", 100'000), Time(5s)), HasSubstr("would live 99000 ms"));
  auto stale = question("a", 20'000);
  stale.bundle_version = 6;
  EXPECT_THAT(why(book, stale, Time(5s)), HasSubstr("of bundle 6, older than the one held here, 7"));
  EXPECT_EQ(book.remembered(), 0U);
}

}  // namespace
}  // namespace aigrid::access
