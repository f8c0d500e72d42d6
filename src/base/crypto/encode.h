// Bytes as text: hex, base64 (RFC 4648 §4, padded), base64url (§5, unpadded), fixed-length base62; and CRC-32 (IEEE
// 802.3, as in zip and Ethernet). Decoders are strict: one text per value, nothing skipped. Not constant time in the
// content, so never compare secrets through them. Pure, any thread. Errors: InvalidArgument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aigrid::crypto {

std::uint32_t crc32(std::string_view bytes, std::uint32_t so_far = 0);

std::string hex(std::string_view bytes);              // lower case
Result<std::string> from_hex(std::string_view text);  // either case

std::string base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);
std::string base64url(std::string_view bytes);
Result<std::string> from_base64url(std::string_view text);

// The bytes as one big-endian number in base 62 (0-9 A-Z a-z), zero-padded to base62_length(size), so that equal
// lengths in give equal lengths out.
std::size_t base62_length(std::size_t byte_count);
std::string base62(std::string_view bytes);
// `text` must be base62_length(byte_count) long and below 256^byte_count.
Result<std::string> from_base62(std::string_view text, std::size_t byte_count);

}  // namespace aigrid::crypto
