#include "core/audit/leaf.h"

#include <gtest/gtest.h>

namespace aigrid::audit {
namespace {

grid::AuditLeaf full() {
  grid::RequestLeaf r;
  r.request_id = "req_paris_7_12";
  r.tenant = "mairie";
  r.project = "chat";
  r.key_id = "0011223344556677";
  r.key_zone = "fr";
  r.zones = {"fr", "eu"};
  r.data_level = 2;
  r.regimes = {"GDPR"};
  r.bundle_version = 300;
  r.bundle_hash = std::string(32, 'b');
  r.later_bundles = {std::string(32, 'l')};
  r.model = "tiny";
  r.model_digest = "ab";
  r.endpoint = "chat.completions";
  r.route = {{"terminate", "gateway-paris", "paris"}, {"process", "paris-1", "paris"}};
  r.removed = {{"not in the permitted zone", 3}};
  r.gateway_certificate = std::string(32, 'c');
  r.request_hash = std::string(32, 'd');
  r.answer_hash = std::string(32, 'e');
  r.outcome = grid::Outcome::Finished;
  r.status = 200;
  r.usage = {10, 1000, 2};
  r.received_unix_ms = 1767225600000;
  r.attempts = {{1, "lyon", "lyon-1", "node lost", 40, 10, 3, 3, false, false},
                {2, "paris", "paris-1", "ok", 90'000, 10, 1000, 997, true, true}};
  r.prompt_most = 2058;
  r.price_book = "list";
  r.input_nano = -5;
  r.output_nano = 70;
  r.charge_nano = 70'000;
  r.ttft_us = 1234;
  r.total_us = 99999;
  return {"paris", 7, 12, std::string(32, 'p'), 1767225600000, std::string(16, 's'), std::move(r)};
}

TEST(Leaf, EveryKindRoundTrips) {
  std::vector<grid::AuditLeaf> leaves{full(), full(), full(), full()};
  leaves[1].body = grid::AdminLeaf{"admin", "apply", "Zone/fr", "jurisdictions: FR, DE"};
  leaves[2].body = grid::ConflictLeaf{"lyon", 3, 4, std::string(32, 'h'), std::string(32, 'o')};
  leaves[2].previous.clear();
  leaves[3].body = grid::DistanceLeaf{"text", "a", "ak", "as", "b", "bk", "bs"};
  for (const auto& leaf : leaves) {
    auto bytes = encode(leaf);
    ASSERT_TRUE(bytes.ok());
    auto back = decode_leaf(*bytes);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->body.index(), leaf.body.index());
    EXPECT_EQ(*encode(*back), *bytes);
  }
  const auto back = decode_leaf(*encode(full()));
  const auto& r = std::get<grid::RequestLeaf>(back->body);
  EXPECT_EQ(back->sequence, 12U);
  EXPECT_EQ(r.route[1].place, "paris-1");
  EXPECT_EQ(r.attempts[1].completion_tokens, 1000U);
  EXPECT_EQ(r.input_nano, -5);
  EXPECT_EQ(r.total_us, 99999);
}

// One text for each value: what decodes at all encodes to the same bytes, so no byte can be changed unseen.
TEST(Leaf, CanonicalOrRefused) {
  const std::string bytes = *encode(full());
  std::size_t decoded = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(decode_leaf(bytes.substr(0, i)).ok()) << i;
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ (1U << bit));
      auto leaf = decode_leaf(changed);
      if (!leaf.ok()) continue;
      ++decoded;
      EXPECT_EQ(*encode(*leaf), changed) << i << " bit " << bit;
    }
  }
  EXPECT_GT(decoded, 0U);
  EXPECT_FALSE(decode_leaf(bytes + std::string(1, '\0')).ok());
}

TEST(Leaf, TooLongIsSaid) {
  auto leaf = full();
  std::get<grid::RequestLeaf>(leaf.body).code = std::string(70'000, 'x');
  EXPECT_EQ(encode(leaf).error().code, Code::InvalidArgument);
  std::string lying = *encode(full());
  EXPECT_FALSE(decode_leaf("\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + lying).ok());
}

TEST(Receipt, RoundTripAndWrongForms) {
  const grid::Receipt receipt{"FR.paris", "lyon", 1767225600, 42};
  EXPECT_EQ(format_receipt(receipt), "FR.paris/lyon/1767225600-42");
  EXPECT_EQ(*parse_receipt("FR.paris/lyon/1767225600-42"), receipt);
  for (const char* wrong : {"", "a", "a/b", "a/b/", "a/b/1", "a/b/1-", "a/b/-1", "a/b/01-2", "a/b/1-2x", "/b/1-2",
                            "a//1-2", "a/b/1-99999999999999999999"}) {
    EXPECT_FALSE(parse_receipt(wrong).ok()) << wrong;
  }
}

TEST(Receipt, OfARequest) {
  EXPECT_EQ(*receipt_of("FR.a_b", "req_a_b_1767225600_42"), (grid::Receipt{"FR.a_b", "a_b", 1767225600, 42}));
  for (const char* wrong : {"", "req_", "req_a", "req_a_1", "req__1_2", "req_1_2", "xxx_a_1_2", "req_a_1_", "req_a__2",
                            "req_a_01_2", "req_a_1_2x", "_", "req_a_1_-2"}) {
    EXPECT_FALSE(receipt_of("l", wrong).ok()) << wrong;
  }
}

TEST(Entries, RoundTripAndCut) {
  std::string bundle;
  append_entry(bundle, "abc");
  append_entry(bundle, "");
  append_entry(bundle, std::string(300, 'x'));
  auto entries = parse_entries(bundle);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_TRUE((*entries)[1].empty());
  EXPECT_EQ((*entries)[2].size(), 300U);
  EXPECT_FALSE(parse_entries(bundle.substr(0, bundle.size() - 1)).ok());
  EXPECT_FALSE(parse_entries(bundle + "x").ok());
  std::string many;
  for (int i = 0; i < 257; ++i) append_entry(many, "");
  EXPECT_FALSE(parse_entries(many).ok());
}

}  // namespace
}  // namespace aigrid::audit
