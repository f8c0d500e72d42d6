// Ed25519 signatures (RFC 8032): a signing key from a 32-byte seed, a public key from 32 bytes. Deterministic: the same
// seed and message give the same signature. Values are immutable, share their key and may be used from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_pkey_st;

namespace aigrid::crypto {

class SigningKey {
 public:
  // InvalidArgument unless the seed has 32 bytes. The seed is the secret: take it from Env::entropy.
  static Result<SigningKey> from_seed(std::string_view seed);
  std::string public_key() const;                    // 32 bytes
  std::string sign(std::string_view message) const;  // 64 bytes

 private:
  explicit SigningKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

class PublicKey {
 public:
  static Result<PublicKey> from_bytes(std::string_view bytes);
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

// One-off forms; a bad key verifies nothing.
bool verify(std::string_view public_key, std::string_view message, std::string_view signature);

}  // namespace aigrid::crypto
