// SiteSet: a fixed-size set of site indices of one compiled bundle. Plain value, any thread; no allocation.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace aigrid::policy {

inline constexpr std::size_t kMaxSites = 8192;
using SiteIndex = std::uint16_t;

class SiteSet {
 public:
  static SiteSet all() {
    SiteSet s;
    s.words_.fill(~std::uint64_t{0});
    return s;
  }
  void insert(SiteIndex i) { words_[i / 64U] |= std::uint64_t{1} << (i % 64U); }
  void erase(SiteIndex i) { words_[i / 64U] &= ~(std::uint64_t{1} << (i % 64U)); }
  bool contains(SiteIndex i) const { return ((words_[i / 64U] >> (i % 64U)) & 1U) != 0; }
  bool empty() const {
    for (auto w : words_) {
      if (w != 0) return false;
    }
    return true;
  }
  std::size_t size() const {
    std::size_t n = 0;
    for (auto w : words_) n += static_cast<std::size_t>(std::popcount(w));
    return n;
  }
  SiteSet& operator&=(const SiteSet& o) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= o.words_[i];
    return *this;
  }
  SiteSet& operator|=(const SiteSet& o) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= o.words_[i];
    return *this;
  }
  SiteSet& subtract(const SiteSet& o) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~o.words_[i];
    return *this;
  }
  bool operator==(const SiteSet&) const = default;
  const std::array<std::uint64_t, kMaxSites / 64>& words() const { return words_; }

 private:
  std::array<std::uint64_t, kMaxSites / 64> words_{};
};

}  // namespace aigrid::policy
