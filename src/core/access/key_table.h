// KeyTable: the API keys of a bundle, looked up by kid without leaving the process. Immutable; a bundle that changes
// one shard gives a new table that shares the others. Any thread. The secret is compared as SHA-256, in constant time;
// kids are public. Errors: InvalidArgument (a key whose kid or hash is not hex of the right length).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grid/account.h"

namespace aigrid::access {

inline constexpr unsigned kShards = 64;  // by the first byte of the kid, as the bundle's sections keys/00 … keys/3f
unsigned shard_of(std::string_view kid_hex);  // kShards when it is no kid

enum class KeyVerdict : std::uint8_t { Ok, Malformed, Unknown, WrongSecret, Revoked, Expired };

struct KeyAnswer {
  KeyVerdict verdict = KeyVerdict::Unknown;
  const grid::ApiKey* key = nullptr;  // set for Ok, Revoked and Expired; valid while the table is held
  std::string message;                // for the client when not Ok; never holds the secret
};

class KeyTable {
 public:
  KeyTable();
  static Result<KeyTable> compile(std::span<const grid::ApiKey> keys);
  // Replaces shard `shard` by `keys`, all of which belong to it; the others are shared with this table.
  Result<KeyTable> with_shard(unsigned shard, std::span<const grid::ApiKey> keys) const;

  // `presented`: what the client sent, `agk1_…`. Whether a key is revoked or expired is told only to who knows its
  // secret.
  KeyAnswer look_up(std::string_view presented, std::int64_t now_unix_s) const;
  const grid::ApiKey* find(std::string_view kid_hex) const;
  std::size_t size() const;
  // The very same shard object as `other`'s: nothing of it was rebuilt.
  bool shares(const KeyTable& other, unsigned shard) const { return shards_[shard] == other.shards_[shard]; }

 private:
  struct Entry {
    std::uint64_t kid = 0;
    std::array<char, 32> hash{};
    grid::ApiKey key;
  };
  using Shard = std::vector<Entry>;  // ascending by kid
  static Result<std::shared_ptr<const Shard>> build(unsigned shard, std::span<const grid::ApiKey> keys);
  const Entry* find(unsigned shard, std::uint64_t kid) const;

  std::array<std::shared_ptr<const Shard>, kShards> shards_;
};

}  // namespace aigrid::access
