#include "core/ledger/charge.h"

#include <gtest/gtest.h>

#include <limits>

namespace aigrid::ledger {
namespace {

grid::Usage usage(std::uint64_t prompt, std::uint64_t completion) {
  grid::Usage u;
  u.prompt_tokens = prompt;
  u.completion_tokens = completion;
  return u;
}

TEST(Charge, IsExact) {
  EXPECT_EQ(charge(usage(0, 0), {100, 400}), 0);
  EXPECT_EQ(charge(usage(7, 3), {100, 400}), 7 * 100 + 3 * 400);
  EXPECT_EQ(charge(usage(1, 0), {1, 400}), 1);
}

TEST(Charge, SaturatesInsteadOfWrapping) {
  const auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(charge(usage(std::numeric_limits<std::uint64_t>::max(), 1), {most, most}), most);
}

}  // namespace
}  // namespace aigrid::ledger
