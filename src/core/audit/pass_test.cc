#include "core/audit/pass.h"

#include <gtest/gtest.h>

#include "base/crypto/encode.h"

namespace aigrid::audit {
namespace {

crypto::SigningKey key(char seed) { return *crypto::SigningKey::from_seed(std::string(32, seed)); }

TEST(Pass, OpensForItsGridUntilItsTime) {
  const std::string text = issue_pass({"europe", "alice", 1000}, key('k'));
  const auto pass = open_pass(text, "europe", key('k').public_key(), 999);
  ASSERT_TRUE(pass.ok()) << pass.error().message;
  EXPECT_EQ(pass->admin, "alice");
  EXPECT_EQ(open_pass(text, "europe", key('k').public_key(), 1000).error().code, Code::PermissionDenied);
  EXPECT_EQ(open_pass(text, "asia", key('k').public_key(), 1).error().code, Code::PermissionDenied);
  EXPECT_EQ(open_pass(text, "europe", key('x').public_key(), 1).error().code, Code::PermissionDenied);
}

TEST(Pass, WhatIsNoneIsRefused) {
  const std::string good = issue_pass({"europe", "alice", 1000}, key('k'));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(open_pass(changed, "europe", key('k').public_key(), 1).ok()) << i;
    EXPECT_FALSE(open_pass(good.substr(0, i), "europe", key('k').public_key(), 1).ok()) << i;
  }
  // Other notes of the same key are none: a checkpoint, a pass with another ending.
  for (const char* text :
       {"europe/x\n1\naaaa\n", "aigrid audit pass\neurope\nalice\n", "aigrid audit pass\neurope\nalice\n1x\n",
        "aigrid audit pass\neurope\nalice\n1000\nmore\n"}) {
    const std::string note = sign_note(text, bundles_key_name("europe"), key('k'));
    EXPECT_FALSE(open_pass("agp1_" + crypto::base64url(note), "europe", key('k').public_key(), 1).ok()) << text;
  }
}

}  // namespace
}  // namespace aigrid::audit
