#include "grid/source.h"

#include <gtest/gtest.h>

namespace aigrid::grid {
namespace {

TEST(Source, OfAWorkerNamesItsGateway) {
  EXPECT_EQ(source_of("lyon", 0), "lyon");
  EXPECT_EQ(source_of("lyon", 12), "lyon~12");
  for (const std::uint32_t worker : {0U, 1U, 1023U}) {
    EXPECT_EQ(gateway_of(source_of("a.b_c-d", worker)), "a.b_c-d");
    EXPECT_EQ(worker_of(source_of("a.b_c-d", worker)), worker);
  }
}

TEST(Source, OfAnotherSeriesIsNoWorkers) {
  EXPECT_EQ(gateway_of("lyon~distances"), "lyon");
  EXPECT_EQ(worker_of("lyon~distances"), 0U);
  EXPECT_EQ(worker_of("lyon~99999999999"), 0U);
  EXPECT_EQ(gateway_of(""), "");
}

}  // namespace
}  // namespace aigrid::grid
