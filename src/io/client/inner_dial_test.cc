#include "io/client/inner_dial.h"

#include <gtest/gtest.h>

namespace aigrid::io {
namespace {

TEST(InnerAlpn, NamesTheWorker) {
  EXPECT_EQ(alpn_for(kAlpnAsk, 0), "aigrid/1");
  EXPECT_EQ(alpn_for(kAlpnServe, 2), "aigrid/1-r~2");
  for (const char* alpn : {kAlpnAsk, kAlpnServe}) {
    for (const std::uint32_t worker : {0U, 1U, 1023U}) {
      const InnerAlpn read = parse_alpn(alpn_for(alpn, worker));
      EXPECT_EQ(read.alpn, alpn);
      EXPECT_EQ(read.worker, worker);
    }
  }
}

TEST(InnerAlpn, IsNothingElse) {
  for (const char* text : {"", "h2", "aigrid/2", "aigrid/1~", "aigrid/1~0", "aigrid/1~x", "aigrid/1~2x", "aigrid/1~-1",
                           "aigrid/1-r~99999999999", "~1"}) {
    EXPECT_EQ(parse_alpn(text).alpn, "") << text;
  }
}

}  // namespace
}  // namespace aigrid::io
