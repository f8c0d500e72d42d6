#include "base/crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdlib>

namespace aigrid::crypto {
namespace {

void must(bool ok) {
  if (!ok) std::abort();
}

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

// Looking an algorithm up costs more than hashing a short message, so it is fetched once.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  must(algorithm != nullptr);
  return algorithm;
}

}  // namespace

Digest sha256(std::string_view message) {
  Digest out;
  must(EVP_Digest(message.data(), message.size(), out.data(), nullptr, sha256_algorithm(), nullptr) == 1);
  return out;
}

Digest hmac_sha256(std::string_view key, std::string_view message) {
  constexpr std::size_t kBlock = 64;
  std::array<char, kBlock> padded{};
  if (key.size() > kBlock) {
    const Digest short_key = sha256(key);
    view(short_key).copy(padded.data(), short_key.size());
  } else {
    key.copy(padded.data(), key.size());
  }
  std::array<char, kBlock> pad{};
  const auto with = [&](char mask) {
    for (std::size_t i = 0; i < kBlock; ++i) pad[i] = static_cast<char>(padded[i] ^ mask);
    return std::string_view(pad.data(), pad.size());
  };
  Hasher hasher;
  const Digest inner = hasher.add(with(0x36)).add(message).finish();
  const Digest out = hasher.add(with(0x5c)).add(view(inner)).finish();
  OPENSSL_cleanse(padded.data(), padded.size());
  OPENSSL_cleanse(pad.data(), pad.size());
  return out;
}

std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view purpose, std::size_t length) {
  must(length <= 255 * 32);
  const Digest zero{};
  const Digest key = hmac_sha256(salt.empty() ? view(zero) : salt, secret);
  std::string out;
  Digest block{};
  for (unsigned i = 1; out.size() < length; ++i) {
    std::string message = i == 1 ? std::string() : bytes(block);
    message.append(purpose);
    message.push_back(static_cast<char>(i));
    block = hmac_sha256(view(key), message);
    out.append(view(block));
  }
  out.resize(length);
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void Hasher::Free::operator()(evp_md_ctx_st* c) const { EVP_MD_CTX_free(c); }

Hasher::Hasher() : context_(EVP_MD_CTX_new()) {
  must(context_ && EVP_DigestInit_ex2(context_.get(), sha256_algorithm(), nullptr) == 1);
}

Hasher::Hasher(const Hasher& other) : context_(EVP_MD_CTX_new()) {
  must(context_ && EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1);
}

Hasher& Hasher::operator=(const Hasher& other) {
  if (this != &other) must(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1);
  return *this;
}

Hasher& Hasher::add(std::string_view piece) {
  must(EVP_DigestUpdate(context_.get(), raw(piece), piece.size()) == 1);
  return *this;
}

Digest Hasher::finish() {
  Digest out;
  must(EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1);
  must(EVP_DigestInit_ex2(context_.get(), sha256_algorithm(), nullptr) == 1);
  return out;
}

}  // namespace aigrid::crypto
