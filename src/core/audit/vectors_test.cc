// The proofs, right and wrong, of transparency-dev/merkle (tests/data/merkle): every verdict is theirs.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/crypto/encode.h"
#include "core/audit/proof.h"

namespace aigrid::audit {
namespace {

using nlohmann::json;

std::vector<json> vectors(const char* name) {
  std::ifstream in(std::string(AIGRID_TEST_DATA) + "/merkle/" + name + ".jsonl");
  std::vector<json> out;
  for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
  return out;
}

// Some are no hashes but texts that must only be equal or not: those are hashed.
Result<Digest> digest(const json& text) {
  if (!text.is_string() || text.get_ref<const std::string&>().empty()) return invalid("no hash");
  AIGRID_TRY(const std::string bytes, crypto::from_base64(text.get<std::string>()));
  return bytes.size() == kHashBytes ? digest_of(bytes) : crypto::sha256(bytes);
}

Result<Proof> proof_of(const json& list) {
  Proof out;
  if (list.is_null()) return out;
  for (const auto& one : list) {
    AIGRID_TRY(const Digest hash, digest(one));
    out.push_back(hash);
  }
  return out;
}

Result<void> inclusion(const json& v) {
  AIGRID_TRY(const Digest leaf, digest(v["leafHash"]));
  AIGRID_TRY(const Digest root, digest(v["root"]));
  AIGRID_TRY(const Proof proof, proof_of(v["proof"]));
  return check_inclusion(leaf, v["leafIdx"].get<std::uint64_t>(), v["treeSize"].get<std::uint64_t>(), root, proof);
}

Result<void> consistency(const json& v) {
  AIGRID_TRY(const Digest older, digest(v["root1"]));
  AIGRID_TRY(const Digest newer, digest(v["root2"]));
  AIGRID_TRY(const Proof proof, proof_of(v["proof"]));
  return check_consistency(v["size1"].get<std::uint64_t>(), older, v["size2"].get<std::uint64_t>(), newer, proof);
}

template <class Check>
void judge_all(const char* name, Check check) {
  const auto all = vectors(name);
  ASSERT_EQ(all.size(), 98U) << name;
  for (const auto& v : all) EXPECT_EQ(!check(v).ok(), v["wantErr"].get<bool>()) << v["name"];
}

TEST(Vectors, Inclusion) { judge_all("inclusion", inclusion); }
TEST(Vectors, Consistency) { judge_all("consistency", consistency); }

}  // namespace
}  // namespace aigrid::audit
