// SHA-256, HMAC-SHA-256, HKDF-SHA-256 (RFC 5869) and a comparison that takes the same time wherever the difference is.
// Thread contract: functions from any thread; a Hasher has one owner at a time. Inputs and outputs are raw bytes.
// A failure inside OpenSSL (out of memory, no provider) ends the process: there is no safe way to go on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace aigrid::crypto {

using Digest = std::array<std::uint8_t, 32>;

inline std::string_view view(const Digest& d) { return {reinterpret_cast<const char*>(d.data()), d.size()}; }
inline std::string bytes(const Digest& d) { return std::string(view(d)); }

Digest sha256(std::string_view message);
Digest hmac_sha256(std::string_view key, std::string_view message);
// Up to 255 * 32 bytes.
std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view purpose, std::size_t length);

// Lengths are public: different lengths answer false at once.
bool constant_time_equal(std::string_view a, std::string_view b);

// SHA-256 in pieces; finish() gives the digest and starts afresh.
class Hasher {
 public:
  Hasher();
  Hasher(const Hasher& other);
  Hasher& operator=(const Hasher& other);
  Hasher(Hasher&&) noexcept = default;
  Hasher& operator=(Hasher&&) noexcept = default;

  Hasher& add(std::string_view piece);
  Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* c) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace aigrid::crypto
