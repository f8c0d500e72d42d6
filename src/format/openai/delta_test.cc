#include "format/openai/delta.h"

#include <gtest/gtest.h>

namespace aigrid::openai {
namespace {

TEST(DeltaText, IsWhatTheEventsSay) {
  DeltaText text;
  EXPECT_EQ(
      text.of(
          "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"),
      "");
  EXPECT_EQ(text.of("data: {\"choices\":[{\"delta\":{\"content\":\"a\\n\\u00e9 \\ud83c\\udf2a\"},\"index\":0}]}\n\n"
                    "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n"),
            "a\n\u00e9 \U0001F32Ab");
  EXPECT_EQ(text.of("data: [DONE]\n\n"), "");
  EXPECT_EQ(text.of("data: {\"choices\":[],\"usage\":{}}\n\n: ping\n\ndata: {broken\n\n"), "");
  EXPECT_EQ(text.of(""), "");
}

}  // namespace
}  // namespace aigrid::openai
