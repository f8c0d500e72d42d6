// Leaves as bytes: one text for each value, so that a hash names what it says. Version byte, kind byte, then every
// field in a fixed order: numbers as shortest varints (signed ones zigzag), texts and lists with their length. What is
// left over, cut, not shortest or unknown is refused. And receipts as text. Pure, any thread. Errors: InvalidArgument.
#pragma once

#include <string>
#include <string_view>

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

// An entry bundle: up to 256 leaves, each after its length in 16 bits; an empty one is withheld from this reader.
void append_entry(std::string& bundle, std::string_view leaf);
Result<std::vector<std::string_view>> parse_entries(std::string_view bundle);

}  // namespace aigrid::audit
