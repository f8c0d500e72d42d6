#include "base/crypto/encode.h"

#include <array>
#include <vector>

namespace aigrid::crypto {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0 ? 0xedb88320U ^ (c >> 1U) : c >> 1U;
    table[i] = c;
  }
  return table;
}
constexpr auto kCrcTable = crc_table();

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Reverse = std::array<std::int8_t, 256>;
constexpr Reverse reverse(std::string_view alphabet) {
  Reverse out{};
  for (auto& v : out) v = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return out;
}
constexpr Reverse kFromBase62 = reverse(kBase62);
constexpr Reverse kFromBase64 = reverse(kBase64);
constexpr Reverse kFromBase64Url = reverse(kBase64Url);

std::uint32_t byte_at(std::string_view s, std::size_t i) { return static_cast<unsigned char>(s[i]); }

Error bad(std::string_view what, std::size_t at) {
  return invalid(std::string(what) + ": wrong character at position " + std::to_string(at));
}

std::string encode64(std::string_view in, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((in.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < in.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, in.size() - i);
    std::uint32_t v = byte_at(in, i) << 16U;
    if (n > 1) v |= byte_at(in, i + 1) << 8U;
    if (n > 2) v |= byte_at(in, i + 2);
    for (std::size_t k = 0; k <= n; ++k) out.push_back(alphabet[(v >> (18U - 6U * k)) & 63U]);
    if (pad) out.append(3 - n, '=');
  }
  return out;
}

Result<std::string> decode64(std::string_view in, const Reverse& from, std::string_view what) {
  if (in.size() % 4 == 1)
    return invalid(std::string(what) + ": a length of " + std::to_string(in.size()) + " is impossible");
  std::string out;
  out.reserve(in.size() / 4 * 3 + 2);
  std::uint32_t v = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const int digit = from[byte_at(in, i)];
    if (digit < 0) return bad(what, i);
    v = (v << 6U) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>((v >> bits) & 255U));
    }
  }
  if ((v & ((1U << bits) - 1U)) != 0) return invalid(std::string(what) + ": unused bits at the end are not zero");
  return out;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t so_far) {
  std::uint32_t c = ~so_far;
  for (const char b : bytes) c = kCrcTable[(c ^ static_cast<unsigned char>(b)) & 255U] ^ (c >> 8U);
  return ~c;
}

std::string hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char b : bytes) {
    out.push_back(kHex[static_cast<unsigned char>(b) >> 4U]);
    out.push_back(kHex[static_cast<unsigned char>(b) & 15U]);
  }
  return out;
}

Result<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return invalid("hex: an odd number of digits (" + std::to_string(text.size()) + ")");
  std::string out(text.size() / 2, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      digit = (static_cast<unsigned>(c) | 32U) - 'a' + 10U;
    } else {
      return bad("hex", i);
    }
    out[i / 2] = static_cast<char>((static_cast<unsigned char>(out[i / 2]) << 4U) | digit);
  }
  return out;
}

std::string base64(std::string_view bytes) { return encode64(bytes, kBase64, true); }
std::string base64url(std::string_view bytes) { return encode64(bytes, kBase64Url, false); }

Result<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0)
    return invalid("base64: the length " + std::to_string(text.size()) + " is not a multiple of 4");
  for (int pads = 0; pads < 2 && text.ends_with('='); ++pads) text.remove_suffix(1);
  return decode64(text, kFromBase64, "base64");
}

Result<std::string> from_base64url(std::string_view text) { return decode64(text, kFromBase64Url, "base64url"); }

std::size_t base62_length(std::size_t byte_count) {
  // ceil(8 n / log2 62); 5.954196310386875 rounded down keeps it an upper bound, and it is exact up to thousands of
  // bytes.
  const double digits = static_cast<double>(byte_count) * 8.0 / 5.954196310386875;
  const auto whole = static_cast<std::size_t>(digits);
  return static_cast<double>(whole) < digits ? whole + 1 : whole;
}

// Limbs are most significant first. Five digits at a time: 62^5 < 2^30, so limb * 62^5 + carry fits 64 bits.
std::string base62(std::string_view bytes) {
  constexpr std::uint64_t kFive = 62ULL * 62 * 62 * 62 * 62;
  std::vector<std::uint32_t> limbs((bytes.size() + 3) / 4, 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t from_end = bytes.size() - 1 - i;
    limbs[limbs.size() - 1 - from_end / 4] |= byte_at(bytes, i) << (8U * (from_end % 4));
  }
  std::string out(base62_length(bytes.size()), '0');
  for (std::size_t at = out.size(); at > 0;) {
    std::uint64_t rest = 0;
    for (auto& limb : limbs) {
      rest = (rest << 32U) | limb;
      limb = static_cast<std::uint32_t>(rest / kFive);
      rest %= kFive;
    }
    for (int k = 0; k < 5 && at > 0; ++k) {
      out[--at] = kBase62[rest % 62];
      rest /= 62;
    }
  }
  return out;
}

Result<std::string> from_base62(std::string_view text, std::size_t byte_count) {
  if (text.size() != base62_length(byte_count)) {
    return invalid("base62: " + std::to_string(text.size()) + " characters, expected " +
                   std::to_string(base62_length(byte_count)));
  }
  std::vector<std::uint32_t> limbs((byte_count + 3) / 4 + 1, 0);  // one spare limb shows an overflow
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t carry = 0;
    std::uint64_t scale = 1;
    for (int k = 0; k < 5 && at < text.size(); ++k, ++at) {
      const int digit = kFromBase62[byte_at(text, at)];
      if (digit < 0) return bad("base62", at);
      carry = carry * 62 + static_cast<std::uint64_t>(digit);
      scale *= 62;
    }
    for (std::size_t i = limbs.size(); i-- > 0;) {
      carry += limbs[i] * scale;
      limbs[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32U;
    }
  }
  std::string out(limbs.size() * 4, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<char>((limbs[i / 4] >> (8U * (3 - i % 4))) & 255U);
  }
  const std::size_t spare = out.size() - byte_count;
  if (out.find_first_not_of('\0') < spare) return invalid("base62: the number is too large for its length");
  return out.substr(spare);
}

}  // namespace aigrid::crypto
