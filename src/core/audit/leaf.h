// Leaves as bytes: one text for each value, so that a hash names what it says. Version byte, kind byte, then every
// field in a fixed order: numbers as shortest varints (signed ones zigzag), texts and lists with their length. What is
// left over, cut, not shortest or unknown is refused. And receipts as text. Pure, any thread. Errors: InvalidArgument.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grid/receipt.h"

namespace aigrid::audit {

// As tlog-tiles' entry bundles give the length of an entry in 16 bits.
inline constexpr std::size_t kMaxLeafBytes = 65535;
inline constexpr std::size_t kSaltBytes = 16;

// InvalidArgument: over kMaxLeafBytes.
Result<std::string> encode(const grid::AuditLeaf& leaf);
Result<grid::AuditLeaf> decode_leaf(std::string_view bytes);

std::string format_receipt(const grid::Receipt& receipt);
Result<grid::Receipt> parse_receipt(std::string_view text);
// Of the request `req_<source>_<epoch>_<sequence>`: its leaf in the log of this name.
Result<grid::Receipt> receipt_of(std::string_view log, std::string_view request_id);

// Hashes of the bundles that a leaf is judged by, 32 bytes each.
std::vector<std::string> bundles_of(const grid::AuditLeaf& leaf);

// An entry bundle: up to 256 leaves, each after its length in 16 bits; an empty one is withheld from this reader.
void append_entry(std::string& bundle, std::string_view leaf);
Result<std::vector<std::string_view>> parse_entries(std::string_view bundle);
// At most so many, and as far as they are whole; the rest stays in `bundle`.
std::vector<std::string_view> take_entries(std::string_view& bundle, std::size_t most);

}  // namespace aigrid::audit
