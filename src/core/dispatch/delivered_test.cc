#include "core/dispatch/delivered.h"

#include <gtest/gtest.h>

namespace aigrid::dispatch {
namespace {

using Ids = std::vector<std::uint32_t>;

TEST(Delivered, TokensCountWhenTheirDataHasCome) {
  Delivered d;
  EXPECT_EQ(d.mode(), Resume::None);
  d.head(Resume::Tokens);
  EXPECT_EQ(d.data(""), 0U) << "the role";
  EXPECT_EQ(d.mode(), Resume::Tokens);
  d.tokens(2, {7, 8}, Resume::Tokens);
  EXPECT_EQ(d.count(), 0U);
  EXPECT_EQ(d.data("ab"), 2U);
  d.tokens(1, {9}, Resume::Tokens);
  EXPECT_EQ(d.ids(), (Ids{7, 8}));
  d.head(Resume::Tokens);  // lost between the two, and continued
  d.tokens(1, {10}, Resume::Tokens);
  EXPECT_EQ(d.data("c"), 1U);
  EXPECT_EQ(d.ids(), (Ids{7, 8, 10}));
  EXPECT_EQ(d.text(), "abc");
  EXPECT_EQ(d.count(), 3U);
}

TEST(Delivered, TheModeNeverRises) {
  Delivered d;
  d.head(Resume::Tokens);
  d.tokens(2, {7}, Resume::Tokens);  // one id is missing
  d.data("ab");
  EXPECT_EQ(d.mode(), Resume::Text);
  EXPECT_TRUE(d.ids().empty()) << "part of the ids is none";
  EXPECT_EQ(d.text(), "ab");
  d.tokens(1, {8}, Resume::Tokens);
  d.data("c");
  EXPECT_EQ(d.mode(), Resume::Text);
  d.head(Resume::Tokens);
  EXPECT_EQ(d.mode(), Resume::Text);
  d.tokens(1, {}, Resume::None);  // a tool call begins
  d.data("");
  EXPECT_EQ(d.mode(), Resume::None);
  d.head(Resume::Text);
  EXPECT_EQ(d.mode(), Resume::None);
}

TEST(Delivered, AStreamOfWhichNothingWasGivenBeginsAnew) {
  Delivered d;
  d.head(Resume::None);
  d.tokens(1, {1}, Resume::None);
  d.head(Resume::Tokens);
  EXPECT_EQ(d.mode(), Resume::Tokens);
  EXPECT_EQ(d.data("x"), 0U);
  d.spoilt();
  d.head(Resume::Tokens);
  EXPECT_EQ(d.mode(), Resume::None);
}

}  // namespace
}  // namespace aigrid::dispatch
