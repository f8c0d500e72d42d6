// One segment file of a spool: records framed [length u32 | CRC-32 u32 | bytes], big-endian, the CRC over the bytes.
// Named by the sequence of its first record. Functions over bytes and Files; one worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/env/env.h"

namespace aigrid::io {

inline constexpr std::size_t kFrameHead = 8;

void append_frame(std::string& out, std::string_view record);

std::string segment_name(std::uint64_t first_sequence);
std::optional<std::uint64_t> parse_segment_name(std::string_view name);

// The record at `offset`: nullopt at the end of the file; DataLoss where no whole, intact record stands there.
Result<std::optional<std::string>> read_frame(File& file, std::uint64_t offset, std::size_t max_record);

struct SegmentScan {
  std::uint64_t records = 0;
  std::uint64_t good_bytes = 0;  // up to the end of the last intact record
  std::uint64_t file_bytes = 0;
};
// Reads every record from the front up to the first bad one.
Result<SegmentScan> scan_segment(File& file, std::size_t max_record);

}  // namespace aigrid::io
