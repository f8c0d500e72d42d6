#include "core/access/key_table.h"

#include <algorithm>
#include <optional>

#include "base/crypto/encode.h"
#include "base/crypto/token.h"

namespace aigrid::access {
namespace {

std::uint64_t number(std::string_view bytes) {
  std::uint64_t n = 0;
  for (const char c : bytes) n = (n << 8U) | static_cast<unsigned char>(c);
  return n;
}

unsigned shard_of_kid(std::uint64_t kid) { return static_cast<unsigned>(kid >> 56U) % kShards; }

std::optional<std::uint64_t> kid_number(std::string_view hex) {
  const auto bytes = crypto::from_hex(hex);
  if (!bytes.ok() || bytes->size() != crypto::kKidBytes) return std::nullopt;
  return number(*bytes);
}

}  // namespace

unsigned shard_of(std::string_view kid_hex) {
  const auto kid = kid_number(kid_hex);
  return kid ? shard_of_kid(*kid) : kShards;
}

KeyTable::KeyTable() { shards_.fill(std::make_shared<const Shard>()); }

Result<std::shared_ptr<const KeyTable::Shard>> KeyTable::build(unsigned shard, std::span<const grid::ApiKey> keys) {
  auto out = std::make_shared<Shard>();
  out->reserve(keys.size());
  for (const auto& key : keys) {
    const auto kid = kid_number(key.kid);
    if (!kid) return invalid("api key \"" + key.kid + "\": a kid is 16 hex digits");
    if (shard_of_kid(*kid) != shard) {
      return invalid("api key \"" + key.kid + "\" is not of shard " + std::to_string(shard));
    }
    Entry entry{*kid, {}, key};
    const auto hash = crypto::from_hex(key.hash);
    if (!hash.ok() || hash->size() != entry.hash.size()) {
      return invalid("api key \"" + key.kid + "\": its hash is 64 hex digits");
    }
    std::copy(hash->begin(), hash->end(), entry.hash.begin());
    out->push_back(std::move(entry));
  }
  std::sort(out->begin(), out->end(), [](const Entry& a, const Entry& b) { return a.kid < b.kid; });
  for (std::size_t i = 1; i < out->size(); ++i) {
    if ((*out)[i].kid == (*out)[i - 1].kid) return invalid("api key \"" + (*out)[i].key.kid + "\" is defined twice");
  }
  return std::shared_ptr<const Shard>(std::move(out));
}

Result<KeyTable> KeyTable::compile(std::span<const grid::ApiKey> keys) {
  std::array<std::vector<grid::ApiKey>, kShards> sorted;
  for (const auto& key : keys) {
    const unsigned shard = shard_of(key.kid);
    if (shard == kShards) return invalid("api key \"" + key.kid + "\": a kid is 16 hex digits");
    sorted[shard].push_back(key);
  }
  KeyTable table;
  for (unsigned s = 0; s < kShards; ++s) {
    if (sorted[s].empty()) continue;
    AIGRID_TRY(table.shards_[s], build(s, sorted[s]));
  }
  return table;
}

Result<KeyTable> KeyTable::with_shard(unsigned shard, std::span<const grid::ApiKey> keys) const {
  if (shard >= kShards) return invalid("key shard " + std::to_string(shard) + ": there are " + std::to_string(kShards));
  KeyTable table = *this;
  AIGRID_TRY(table.shards_[shard], build(shard, keys));
  return table;
}

const KeyTable::Entry* KeyTable::find(unsigned shard, std::uint64_t kid) const {
  const Shard& list = *shards_[shard];
  const auto it =
      std::lower_bound(list.begin(), list.end(), kid, [](const Entry& e, std::uint64_t k) { return e.kid < k; });
  return it != list.end() && it->kid == kid ? &*it : nullptr;
}

const grid::ApiKey* KeyTable::find(std::string_view kid_hex) const {
  const auto kid = kid_number(kid_hex);
  const Entry* entry = kid ? find(shard_of_kid(*kid), *kid) : nullptr;
  return entry != nullptr ? &entry->key : nullptr;
}

std::size_t KeyTable::size() const {
  std::size_t n = 0;
  for (const auto& s : shards_) n += s->size();
  return n;
}

KeyAnswer KeyTable::look_up(std::string_view presented, std::int64_t now_unix_s) const {
  const auto parsed = crypto::parse_api_key(presented);
  if (!parsed.ok()) return {KeyVerdict::Malformed, nullptr, parsed.error().message};
  const std::string kid = crypto::hex(parsed->kid);
  const auto n = number(parsed->kid);
  const auto hash = crypto::key_hash(*parsed);
  const Entry* entry = find(shard_of_kid(n), n);
  if (entry == nullptr) {
    return {KeyVerdict::Unknown, nullptr,
            "api key " + kid + " is not known here: check the grid's address, or make a key"};
  }
  if (!crypto::constant_time_equal(crypto::view(hash), {entry->hash.data(), entry->hash.size()})) {
    return {KeyVerdict::WrongSecret, nullptr, "api key " + kid + " has another secret: copy the key again"};
  }
  const grid::ApiKey& key = entry->key;
  if (key.revoked) return {KeyVerdict::Revoked, &key, "api key " + kid + " was revoked: use another"};
  if (key.expires_unix_s != 0 && now_unix_s >= key.expires_unix_s) {
    return {
        KeyVerdict::Expired, &key,
        "api key " + kid + " expired " + std::to_string(now_unix_s - key.expires_unix_s) + " s ago: make a new one"};
  }
  return {KeyVerdict::Ok, &key, ""};
}

}  // namespace aigrid::access
