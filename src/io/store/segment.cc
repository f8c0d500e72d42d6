#include "io/store/segment.h"

#include "base/crypto/encode.h"

namespace aigrid::io {

namespace {

void put_u32(std::string& out, std::uint32_t v) {
  for (unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<char>((v >> shift) & 0xffU));
}

std::uint32_t get_u32(std::string_view bytes) {
  std::uint32_t v = 0;
  for (unsigned i = 0; i < 4; ++i) v = (v << 8U) | static_cast<unsigned char>(bytes[i]);
  return v;
}

// Reads up to into.size() bytes, fewer only at the end of the file.
Result<std::size_t> read_fully(File& file, std::uint64_t offset, std::span<char> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    AIGRID_TRY(const std::size_t n, file.read_at(offset + done, into.subspan(done)));
    if (n == 0) break;
    done += n;
  }
  return done;
}

Error torn(std::uint64_t offset, const char* what) {
  return {Code::DataLoss, Origin::Self, Retry::Never, "spool record at byte " + std::to_string(offset) + ": " + what};
}

}  // namespace

void append_frame(std::string& out, std::string_view record) {
  put_u32(out, static_cast<std::uint32_t>(record.size()));
  put_u32(out, crypto::crc32(record));
  out.append(record);
}

std::string segment_name(std::uint64_t first_sequence) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name(16, '0');
  for (std::size_t i = 16; i-- > 0; first_sequence >>= 4U) name[i] = kDigits[first_sequence & 15U];
  return name + ".seg";
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != 20 || name.substr(16) != ".seg") return std::nullopt;
  std::uint64_t first = 0;
  for (char c : name.substr(0, 16)) {
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) return std::nullopt;
    first = (first << 4U) | static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return first;
}

Result<std::optional<std::string>> read_frame(File& file, std::uint64_t offset, std::size_t max_record) {
  char head[kFrameHead];
  AIGRID_TRY(const std::size_t head_bytes, read_fully(file, offset, head));
  if (head_bytes == 0) return std::optional<std::string>();
  if (head_bytes < kFrameHead) return torn(offset, "its head is cut");
  const std::size_t length = get_u32({head, 4});
  // A zeroed tail (blocks allocated, never written) would otherwise read as empty records with a right CRC.
  if (length == 0) return torn(offset, "its length is zero");
  if (length > max_record) return torn(offset, "its length is beyond the bound");
  std::string record(length, '\0');
  AIGRID_TRY(const std::size_t got, read_fully(file, offset + kFrameHead, record));
  if (got < length) return torn(offset, "it is cut");
  if (crypto::crc32(record) != get_u32({head + 4, 4})) return torn(offset, "its CRC does not match");
  return std::optional<std::string>(std::move(record));
}

Result<SegmentScan> scan_segment(File& file, std::size_t max_record) {
  SegmentScan scan;
  AIGRID_TRY(scan.file_bytes, file.size());
  for (;;) {
    auto record = read_frame(file, scan.good_bytes, max_record);
    if (!record.ok()) {
      if (record.error().code == Code::DataLoss) return scan;
      return std::move(record).error();
    }
    if (!*record) return scan;
    scan.good_bytes += kFrameHead + (*record)->size();
    ++scan.records;
  }
}

}  // namespace aigrid::io
