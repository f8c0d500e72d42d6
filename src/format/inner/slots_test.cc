#include "format/inner/slots.h"

#include <gtest/gtest.h>

namespace aigrid::inner {
namespace {

TEST(Slots, AnAskSurvivesTheWay) {
  const SlotAsk ask{3, "chat", "free", "small", "p", {"fr"}, 2, {"health"}, "n1", {"n2", "n3"}, 15, 120, 1, 2, 30'000};
  const auto read = decode_slot_ask(encode(ask));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(encode(*read), encode(ask));
  EXPECT_EQ(read->excluded_nodes, ask.excluded_nodes);
  EXPECT_EQ(read->worker, 3U);
}

TEST(Slots, AnswersSurviveTheWay) {
  const auto granted = decode_slot_answer(encode(SlotAnswer{true, "n1", "", ""}));
  ASSERT_TRUE(granted.ok());
  EXPECT_EQ(granted->node, "n1");
  const auto refused = decode_slot_answer(encode(SlotAnswer{false, "", "256 requests wait here already", "lyon"}));
  ASSERT_TRUE(refused.ok());
  EXPECT_FALSE(refused->granted);
  EXPECT_EQ(refused->message, "256 requests wait here already");
}

TEST(Slots, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "[]", "{", R"({"tenant":"a"})", R"({"deployment":1})", R"({"deployment":"d","hops":300})",
        R"({"deployment":"d","worker":-1})", R"({"deployment":"d","excluded_nodes":"n1"})"}) {
    EXPECT_FALSE(decode_slot_ask(text).ok()) << text;
  }
  for (const char* text : {"", "1", R"({"granted":true})", R"({"granted":"yes"})"}) {
    EXPECT_FALSE(decode_slot_answer(text).ok()) << text;
  }
}

}  // namespace
}  // namespace aigrid::inner
