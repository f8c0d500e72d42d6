#include "base/spiffe.h"

#include <gtest/gtest.h>

namespace aigrid {
namespace {

TEST(Spiffe, RoundTrip) {
  const auto name = Spiffe::parse("spiffe://grid-1/gateway/lyon/gw.0_a");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(*name, (Spiffe{"grid-1", Role::Gateway, "lyon", "gw.0_a"}));
  EXPECT_EQ(name->format().value(), "spiffe://grid-1/gateway/lyon/gw.0_a");
}

TEST(Spiffe, Refuses) {
  for (const char* bad :
       {"", "spiffe://", "spiffe://g/gateway/s", "spiffe://g/gateway/s/i/", "spiffe://g/gateway/s/i/x",
        "spiffe://g/gateway//i", "spiffe:///gateway/s/i", "spiffe://g/root/s/i", "spiffe://g/gateway/../i",
        "spiffe://g/gateway/s/.", "spiffe://g/gateway/s/i?x", "spiffe://g/gateway/s%2f/i", "spiffe://G/gateway/s/i",
        "https://g/gateway/s/i", "spiffe://g:1/gateway/s/i", "spiffe://*/gateway/s/i", "spiffe://g/gateway/s/i ",
        " spiffe://g/gateway/s/i"}) {
    EXPECT_FALSE(Spiffe::parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(Spiffe::parse(std::string("spiffe://g/gateway/s/i\0x", 24)).ok());
  EXPECT_FALSE(Spiffe::parse("spiffe://g/gateway/s/" + std::string(64, 'a')).ok());
  EXPECT_FALSE((Spiffe{"g", Role::Agent, "a/b", "i"}).format().ok());
}

}  // namespace
}  // namespace aigrid
