#include "base/crypto/token.h"

#include "base/crypto/encode.h"

namespace aigrid::crypto {
namespace {

constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kApiSecretBytes = 24;
constexpr std::size_t kJoinSecretBytes = 32;
constexpr std::size_t kPinBytes = 32;

struct Kind {
  std::string_view prefix;
  std::string_view name;  // with its article
  std::string_view noun;
  std::size_t payload;
};
constexpr Kind kApi{"agk1_", "an api key", "key", kKidBytes + kApiSecretBytes};
constexpr Kind kJoin{"agj1_", "a join token", "token", kKidBytes + kJoinSecretBytes + kPinBytes};

std::string crc_bytes(std::string_view payload) {
  const std::uint32_t c = crc32(payload);
  std::string out;
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    out.push_back(static_cast<char>((c >> shift) & 255U));
  }
  return out;
}

std::string format(const Kind& kind, std::string payload) {
  payload += crc_bytes(payload);
  return std::string(kind.prefix) + base62(payload);
}

// The payload without its checksum. The text itself stays out of every message: most of it may be a good secret.
Result<std::string> parse(const Kind& kind, std::string_view text) {
  const std::string name(kind.name);
  const std::string noun(kind.noun);
  if (!text.starts_with(kind.prefix)) {
    std::string message = name + " starts with " + std::string(kind.prefix);
    if (text.starts_with(kApi.prefix)) message += "; this is an api key (agk1_)";
    if (text.starts_with(kJoin.prefix)) message += "; this is a join token (agj1_)";
    return invalid(message + ": check which one you copied");
  }
  const std::size_t length = kind.prefix.size() + base62_length(kind.payload + kCrcBytes);
  if (text.size() != length) {
    return invalid(name + " has " + std::to_string(length) + " characters, this one has " +
                   std::to_string(text.size()) + ": copy the " + noun + " again");
  }
  auto decoded = from_base62(text.substr(kind.prefix.size()), kind.payload + kCrcBytes);
  if (decoded.ok()) {
    std::string payload = decoded->substr(0, kind.payload);
    if (crc_bytes(payload) == decoded->substr(kind.payload)) return payload;
  }
  return invalid("checksum of the " + noun + " does not fit: a character is wrong or missing: copy the " + noun +
                 " again");
}

}  // namespace

Result<std::string> format_api_key(const ApiKey& key) {
  if (key.kid.size() != kKidBytes || key.secret.size() != kApiSecretBytes) {
    return invalid("an api key is made of a kid of 8 bytes and a secret of 24 bytes");
  }
  return format(kApi, key.kid + key.secret);
}

Result<ApiKey> parse_api_key(std::string_view text) {
  AIGRID_TRY(const std::string payload, parse(kApi, text));
  return ApiKey{payload.substr(0, kKidBytes), payload.substr(kKidBytes)};
}

Result<std::string> format_join_token(const JoinToken& token) {
  if (token.kid.size() != kKidBytes || token.secret.size() != kJoinSecretBytes || token.root_pin.size() != kPinBytes) {
    return invalid("a join token is made of a kid of 8 bytes, a secret of 32 bytes and a root pin of 32 bytes");
  }
  return format(kJoin, token.kid + token.secret + token.root_pin);
}

Result<JoinToken> parse_join_token(std::string_view text) {
  AIGRID_TRY(const std::string payload, parse(kJoin, text));
  return JoinToken{payload.substr(0, kKidBytes), payload.substr(kKidBytes, kJoinSecretBytes),
                   payload.substr(kKidBytes + kJoinSecretBytes)};
}

Digest key_hash(const ApiKey& key) { return Hasher().add(key.kid).add(key.secret).finish(); }

std::string join_key(const JoinToken& token) { return hkdf_sha256(token.secret, token.kid, "aigrid join 1", 32); }

}  // namespace aigrid::crypto
