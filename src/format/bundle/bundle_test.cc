#include "format/bundle/bundle.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/crypto/ed25519.h"
#include "base/crypto/encode.h"
#include "format/bundle/section.h"
#include "format/bundle/test_grid.h"

namespace aigrid::bundle {
namespace {

using test::kSeed;
using test::publish;

const std::string kPublic = crypto::SigningKey::from_seed(kSeed)->public_key();

Held first(const Held& target, Scope scope, const std::vector<std::string>& nodes) {
  auto held = apply({}, diff({}, 0, target, {}, scope, nodes), kPublic, scope, nodes.empty() ? "" : nodes[0]);
  EXPECT_TRUE(held.ok()) << (held.ok() ? "" : held.error().message);
  return *held;
}

std::map<std::string, std::shared_ptr<const std::string>> history_of(const Held& held) {
  std::map<std::string, std::shared_ptr<const std::string>> out;
  for (const auto& [name, text] : held.sections) out[held.parsed.sections.at(name)] = text;
  return out;
}

TEST(Bundle, FullThenInventoryGivesBackWhatWasCompiled) {
  const auto everything = test::grid_of(6, 50);
  const auto held = first(publish(everything, 1, 5), Scope::Gateway, {"n1"});
  const auto back = inventory(held);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->grid, "aigrid");
  EXPECT_EQ(back->version, 5U);
  EXPECT_EQ(back->sites.size(), 6U);
  EXPECT_EQ(back->keys.size(), 50U);
  EXPECT_EQ(back->sites[2].operator_name, "op");
  EXPECT_EQ(back->deployments[0].nodes, everything.deployments[0].nodes);
  EXPECT_EQ(back->price_books[0].prices[0].output_nano_per_token, 1500);
  // Compiling what came back gives the same bytes: the sections are canonical.
  const auto again = compile(*back);
  for (const auto& [name, text] : held.sections) EXPECT_EQ(*again.at(name), *text) << name;
}

TEST(Bundle, AnAgentsCopyHoldsItsOwnPartOnly) {
  const auto held = first(publish(test::grid_of(6, 50), 1, 5), Scope::Agent, {"n2"});
  std::vector<std::string> names;
  for (const auto& [name, text] : held.sections) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"agent/n2", agent_shard("n2"), "policy", "sites"}));
  const auto back = inventory(held);
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->keys.empty());
  ASSERT_EQ(back->nodes.size(), 1U);
  EXPECT_EQ(back->nodes[0].name, "n2");
  EXPECT_EQ(back->models.size(), 1U);
  EXPECT_FALSE(back->deployments.empty());
  EXPECT_FALSE(back->zones.empty());
}

TEST(Bundle, OneKeyRevokedAmongManyKeysAndNodesIsSmall) {
  auto everything = test::grid_of(2'000, 100'000);
  const auto before = publish(everything, 1, 5);
  const auto held = first(before, Scope::Gateway, {"n1"});
  const auto known = inventory(held);
  ASSERT_TRUE(known.ok());
  const std::string kid = everything.keys[77'777].kid;
  everything.keys[77'777].revoked = true;
  const auto after = publish(everything, 1, 6);
  const auto update = diff(held_hashes(held), 5, after, history_of(before), Scope::Gateway, {"n1"});
  EXPECT_LE(encode(update).size(), 8192U);
  const auto decoded = decode_update(encode(update));
  ASSERT_TRUE(decoded.ok());
  const auto next = apply(held, *decoded, kPublic, Scope::Gateway, {});
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_EQ(changed_sections(held, *next).size(), 1U);
  // Unchanged sections are shared with the old copy, not copied.
  EXPECT_EQ(next->sections.at("sites").get(), held.sections.at("sites").get());
  const auto quick = inventory(*next, held, *known);
  ASSERT_TRUE(quick.ok());
  for (const auto& key : quick->keys) EXPECT_EQ(key.revoked, key.kid == kid);
  EXPECT_EQ(quick->keys.size(), 100'000U);
  EXPECT_EQ(quick->version, 6U);
}

// What one node is to do changes for it alone: its own section and the line of its hash.
TEST(Bundle, ANodeOfAnotherSiteChangesOneLineForAGateway) {
  auto everything = test::grid_of(2'000, 10);
  const auto before = publish(everything, 1, 5);
  const auto held = first(before, Scope::Gateway, {"n1"});
  everything.nodes[1'500].nameplate_w = 700;
  const auto after = publish(everything, 1, 6);
  const auto update = diff(held_hashes(held), 5, after, history_of(before), Scope::Gateway, {"n1"});
  EXPECT_LE(encode(update).size(), 8192U);
  const auto next = apply(held, update, kPublic, Scope::Gateway, {});
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_EQ(changed_sections(held, *next), (std::vector<std::string>{agent_shard("n1500"), "peers"}));
  EXPECT_TRUE(next->sections.contains("agent/n1"));
  EXPECT_FALSE(next->sections.contains("agent/n1500"));
}

TEST(Bundle, ANodeThatWentToAnotherSiteIsNoLongerHeld) {
  auto everything = test::grid_of(3, 1);
  const auto before = publish(everything, 1, 5);
  const auto held = first(before, Scope::Gateway, {"n1"});
  ASSERT_TRUE(held.sections.contains("agent/n1"));
  everything.nodes[1].site = "s2";
  const auto after = publish(everything, 1, 6);
  const auto next = apply(held, diff(held_hashes(held), 5, after, history_of(before), Scope::Gateway, {}), kPublic,
                          Scope::Gateway, {});
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_FALSE(next->sections.contains("agent/n1"));
}

TEST(Bundle, AnAgentsSectionThatItsShardDoesNotNameIsRefused) {
  const auto held = publish(test::grid_of(2, 1), 1, 5);
  auto update = diff({}, 0, held, {}, Scope::Agent, {"n1"});
  update.full["agent/n1"] += "\n";
  EXPECT_EQ(apply({}, update, kPublic, Scope::Agent, "n1").error().code, Code::DataLoss);
  update = diff({}, 0, held, {}, Scope::Agent, {"n1"});
  update.full[agent_shard("n1")] += agent_line("n9", std::string(64, '0')) + "\n";
  EXPECT_EQ(apply({}, update, kPublic, Scope::Agent, "n1").error().code, Code::DataLoss);
}

TEST(Bundle, ErrorsHaveTheirCodesAndTheOldCopyStays) {
  const auto everything = test::grid_of(2, 5);
  const auto v5 = publish(everything, 1, 5);
  const auto v6 = publish(test::grid_of(3, 5), 1, 6);
  const auto held = first(v5, Scope::Gateway, {});
  const auto good = diff(held_hashes(held), 5, v6, history_of(v5), Scope::Gateway, {});
  const auto full6 = diff({}, 0, v6, {}, Scope::Gateway, {});

  auto forged = full6;
  forged.manifest.signature[3] = static_cast<char>(forged.manifest.signature[3] ^ 1);
  auto future = full6;
  Manifest m = v6.parsed;
  m.format = kFormat + 1;
  future.manifest = sign(m, kSeed);
  auto wrong_base = good;
  wrong_base.base_version = 4;
  auto wrong_text = good;
  ASSERT_FALSE(wrong_text.changed.empty());
  wrong_text.changed.begin()->second.base_hash = std::string(64, '0');
  auto bad_hash = full6;
  bad_hash.full.at("sites") += "\n";
  auto missing = full6;
  missing.full.erase("sites");
  auto foreign = full6;
  foreign.full["agent/other"] = "";
  m = v6.parsed;
  m.grid = "other";
  auto other_grid = full6;
  other_grid.manifest = sign(m, kSeed);
  auto blank = full6;
  blank.manifest.bytes.clear();
  const auto older = diff({}, 0, publish(everything, 1, 4), {}, Scope::Gateway, {});
  const auto same_number = diff({}, 0, publish(test::grid_of(3, 5), 1, 5), {}, Scope::Gateway, {});

  const struct {
    const char* what;
    const Update& update;
    Code code;
  } cases[] = {
      {"bad signature", forged, Code::PermissionDenied},
      {"future format", future, Code::Unimplemented},
      {"wrong base version", wrong_base, Code::Conflict},
      {"wrong base text", wrong_text, Code::Conflict},
      {"bad hash", bad_hash, Code::DataLoss},
      {"missing section", missing, Code::DataLoss},
      {"not for this reader", foreign, Code::PermissionDenied},
      {"other grid", other_grid, Code::PermissionDenied},
      {"blank manifest", blank, Code::DataLoss},
      {"older version", older, Code::Conflict},
      {"same number, other text", same_number, Code::Conflict},
  };
  const auto before = encode(held);
  for (const auto& c : cases) {
    const auto r = apply(held, c.update, kPublic, Scope::Gateway, {});
    ASSERT_FALSE(r.ok()) << c.what;
    EXPECT_EQ(r.error().code, c.code) << c.what << ": " << r.error().message;
    EXPECT_EQ(encode(held), before);
  }
  EXPECT_TRUE(apply(held, good, kPublic, Scope::Gateway, {}).ok());
  // The same version again (a reply repeated) and a restored control plane with a higher epoch are fine.
  EXPECT_TRUE(apply(held, diff({}, 0, v5, {}, Scope::Gateway, {}), kPublic, Scope::Gateway, {}).ok());
  EXPECT_TRUE(
      apply(held, diff({}, 0, publish(everything, 2, 1), {}, Scope::Gateway, {}), kPublic, Scope::Gateway, {}).ok());
}

TEST(Bundle, FilesAndMessagesThatAreNoneAreRefused) {
  const auto held = first(publish(test::grid_of(2, 5), 1, 5), Scope::Gateway, {});
  const auto file = encode(held);
  const auto back = decode_held(file, kPublic);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(encode(*back), file);
  EXPECT_EQ(decode_held("", kPublic).error().code, Code::DataLoss);
  EXPECT_EQ(decode_held(std::string(200, '\0'), kPublic).error().code, Code::DataLoss);
  EXPECT_EQ(decode_held(file + file, kPublic).error().code, Code::DataLoss);
  auto future = file;
  future[3] = kFormat + 1;
  EXPECT_EQ(decode_held(future, kPublic).error().code, Code::Unimplemented);
  EXPECT_EQ(decode_held(file, std::string(32, 'x')).error().code, Code::PermissionDenied);
  EXPECT_EQ(decode_update("").error().code, Code::DataLoss);
  for (std::size_t cut = 0; cut < file.size(); cut += 37) {
    EXPECT_FALSE(decode_held(std::string_view(file).substr(0, cut), kPublic).ok());
  }
}

TEST(Bundle, NoFlippedBitGoesUnnoticed) {
  const auto held = first(publish(test::grid_of(2, 5), 1, 5), Scope::Gateway, {});
  const auto file = encode(held);
  const auto wire = encode(diff({}, 0, publish(test::grid_of(3, 9), 1, 6), {}, Scope::Gateway, {}));
  EXPECT_TRUE(rc::check("a flipped bit in the file on disk", [&] {
    auto bad = file;
    const auto at = *rc::gen::inRange<std::size_t>(0, bad.size());
    bad[at] = static_cast<char>(bad[at] ^ (1 << *rc::gen::inRange(0, 8)));
    RC_ASSERT(!decode_held(bad, kPublic).ok());
  }));
  EXPECT_TRUE(rc::check("a flipped bit in an update changes nothing that is then held", [&] {
    auto bad = wire;
    const auto at = *rc::gen::inRange<std::size_t>(0, bad.size());
    bad[at] = static_cast<char>(bad[at] ^ (1 << *rc::gen::inRange(0, 8)));
    const auto update = decode_update(bad);
    if (!update.ok()) return;
    const auto next = apply(held, *update, kPublic, Scope::Gateway, {});
    if (!next.ok()) return;
    for (const auto& [name, text] : next->sections) RC_ASSERT(hash_of(*text) == next->parsed.sections.at(name));
    RC_ASSERT(next->parsed.version == 6U);
  }));
}

// Any two configurations: the delta between them brings a reader of the one exactly to the other.
TEST(Bundle, DeltasEqualFullUpdates) {
  EXPECT_TRUE(rc::check("delta", [] {
    const auto a = publish(test::grid_of(*rc::gen::inRange(1, 6), *rc::gen::inRange(0, 30)), 1, 5);
    auto changed = test::grid_of(*rc::gen::inRange(1, 6), *rc::gen::inRange(0, 30));
    for (auto& key : changed.keys) key.revoked = *rc::gen::arbitrary<bool>();
    changed.sites[0].city = *rc::gen::arbitrary<std::string>();
    const auto b = publish(changed, 1, 6);
    const auto scope = *rc::gen::element(Scope::Gateway, Scope::Agent);
    const std::vector<std::string> nodes = {"n1"};
    const auto held = first(a, scope, nodes);
    const auto next = apply(held, diff(held_hashes(held), 5, b, history_of(a), scope, nodes), kPublic, scope, nodes[0]);
    RC_ASSERT(next.ok());
    RC_ASSERT(encode(*next) == encode(first(b, scope, nodes)));
    const auto slow = inventory(*next);
    const auto quick = inventory(*next, held, *inventory(held));
    RC_ASSERT(slow.ok() && quick.ok());
    const auto left = compile(*slow);
    const auto right = compile(*quick);
    RC_ASSERT(left.size() == right.size());
    for (const auto& [name, text] : left) RC_ASSERT(*text == *right.at(name));
  }));
}

}  // namespace
}  // namespace aigrid::bundle
