// Fields of the structured inner frames: [tag u8 | length varint | bytes], unknown tags skipped. A field that says what
// its absence means (nothing, zero, or `otherwise`) is left out. One description per frame (`describe`) serves writing
// and reading. Private to format/inner. Plain code, any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace aigrid::inner {

inline void put_varint(std::string& out, std::uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80U));
    v >>= 7U;
  }
  out.push_back(static_cast<char>(v));
}

// Takes a varint from the front of `in`; false: truncated or over 64 bits.
inline bool take_varint(std::string_view& in, std::uint64_t& v) {
  v = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    v |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) return true;
  }
  return false;
}

class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}

  void operator()(std::uint8_t tag, const std::string& v) {
    if (!v.empty()) put(tag, v);
  }
  void operator()(std::uint8_t tag, const std::vector<std::string>& v) {
    for (const auto& item : v) put(tag, item);
  }
  void operator()(std::uint8_t tag, const std::vector<std::uint32_t>& v) {
    if (v.empty()) return;
    std::string packed;
    packed.reserve(v.size() * 3);
    for (auto item : v) put_varint(packed, item);
    put(tag, packed);
  }
  template <class I>
    requires(std::is_integral_v<I> || std::is_enum_v<I>)
  void operator()(std::uint8_t tag, I v, I otherwise = I{}) {
    if (v == otherwise) return;
    std::string bytes;
    put_varint(bytes, static_cast<std::uint64_t>(v));
    put(tag, bytes);
  }

 private:
  void put(std::uint8_t tag, std::string_view bytes) {
    out_.push_back(static_cast<char>(tag));
    put_varint(out_, bytes.size());
    out_.append(bytes);
  }
  std::string& out_;
};

// Offered every member of a frame for one field on the wire; stores into the one whose tag it is.
class FieldReader {
 public:
  FieldReader(std::uint8_t tag, std::string_view bytes) : tag_(tag), bytes_(bytes) {}
  bool ok() const { return ok_; }

  void operator()(std::uint8_t tag, std::string& v) {
    if (tag == tag_) v.assign(bytes_);
  }
  void operator()(std::uint8_t tag, std::vector<std::string>& v) {
    if (tag == tag_) v.emplace_back(bytes_);
  }
  void operator()(std::uint8_t tag, std::vector<std::uint32_t>& v) {
    if (tag != tag_) return;
    std::string_view rest = bytes_;
    while (ok_ && !rest.empty()) {
      std::uint64_t item = 0;
      ok_ = take_varint(rest, item) && item <= std::numeric_limits<std::uint32_t>::max();
      if (ok_) v.push_back(static_cast<std::uint32_t>(item));
    }
  }
  template <class I>
    requires(std::is_integral_v<I> || std::is_enum_v<I>)
  void operator()(std::uint8_t tag, I& v, I /*otherwise*/ = I{}) {
    if (tag != tag_) return;
    std::string_view rest = bytes_;
    std::uint64_t wide = 0;
    ok_ = take_varint(rest, wide) && rest.empty();
    if constexpr (std::is_enum_v<I>) {
      v = static_cast<I>(wide);  // the frame's own check bounds it
      ok_ = ok_ && static_cast<std::uint64_t>(v) == wide;
    } else {
      v = static_cast<I>(wide);
      if constexpr (std::is_unsigned_v<I>) ok_ = ok_ && static_cast<std::uint64_t>(v) == wide;
    }
  }

 private:
  std::uint8_t tag_;
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace aigrid::inner
