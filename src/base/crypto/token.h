// The two secrets people paste: API keys `agk1_…` and single-use join tokens `agj1_…`. After the prefix stands, in
// base62 of fixed length, kid (8 bytes) ‖ secret ‖ [root pin] ‖ CRC-32 of all before. The checksum rejects typing
// errors before any look-up; it protects nothing. Pure values, any thread. Errors: InvalidArgument; no message repeats
// the secret.
#pragma once

#include <string>
#include <string_view>

#include "base/crypto/hash.h"
#include "base/result.h"

namespace aigrid::crypto {

inline constexpr std::size_t kKidBytes = 8;

struct ApiKey {
  std::string kid;     // 8 bytes, public: shown as hex
  std::string secret;  // 24 bytes
};

struct JoinToken {
  std::string kid;       // 8 bytes, public
  std::string secret;    // 32 bytes; never sent, see join_key
  std::string root_pin;  // SHA-256 of the grid root's SubjectPublicKeyInfo
};

// The parts must have their exact lengths (InvalidArgument otherwise); take kid and secret from Env::entropy.
Result<std::string> format_api_key(const ApiKey& key);
Result<ApiKey> parse_api_key(std::string_view text);
Result<std::string> format_join_token(const JoinToken& token);
Result<JoinToken> parse_join_token(std::string_view text);

// What is kept at rest and compared (constant_time_equal): SHA-256(kid ‖ secret).
Digest key_hash(const ApiKey& key);
// K of the join: both sides hold it, and nothing else of the secret need be kept or sent.
std::string join_key(const JoinToken& token);

}  // namespace aigrid::crypto
