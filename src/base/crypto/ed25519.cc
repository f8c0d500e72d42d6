#include "base/crypto/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstdlib>

namespace aigrid::crypto {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

using Context = std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })>;

Error wrong_length(std::string_view what, std::size_t n) {
  return invalid("ed25519: a " + std::string(what) + " has 32 bytes, got " + std::to_string(n));
}

}  // namespace

Result<SigningKey> SigningKey::from_seed(std::string_view seed) {
  if (seed.size() != kKeyBytes) return wrong_length("seed", seed.size());
  EVP_PKEY* key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(seed), seed.size());
  if (key == nullptr) return internal("ed25519: openssl could not make a key");
  return SigningKey(std::shared_ptr<evp_pkey_st>(key, &EVP_PKEY_free));
}

std::string SigningKey::public_key() const {
  std::string out(kKeyBytes, '\0');
  std::size_t n = out.size();
  if (EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(out.data()), &n) != 1) std::abort();
  return out;
}

std::string SigningKey::sign(std::string_view message) const {
  std::string out(kSignatureBytes, '\0');
  std::size_t n = out.size();
  const Context context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &n, raw(message), message.size()) !=
          1) {
    std::abort();
  }
  return out;
}

Result<PublicKey> PublicKey::from_bytes(std::string_view bytes) {
  if (bytes.size() != kKeyBytes) return wrong_length("public key", bytes.size());
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(bytes), bytes.size());
  if (key == nullptr) return invalid("ed25519: not a public key");
  return PublicKey(std::shared_ptr<evp_pkey_st>(key, &EVP_PKEY_free));
}

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) return false;
  const Context context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

bool verify(std::string_view public_key, std::string_view message, std::string_view signature) {
  const auto key = PublicKey::from_bytes(public_key);
  return key.ok() && key->verify(message, signature);
}

}  // namespace aigrid::crypto
