// Names of who writes records and leaves. A gateway's first worker writes under the gateway's own name, worker n under
// `<gateway>~<n>`; a series that is not of requests has a word there. No member's name holds a `~`. Pure.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace aigrid::grid {

inline constexpr char kSourceMark = '~';

inline std::string source_of(std::string_view gateway, std::uint32_t worker) {
  return worker == 0 ? std::string(gateway) : std::string(gateway) + kSourceMark + std::to_string(worker);
}
inline std::string_view gateway_of(std::string_view source) { return source.substr(0, source.find(kSourceMark)); }
// 0 where there is none.
inline std::uint32_t worker_of(std::string_view source) {
  std::uint32_t out = 0;
  const auto mark = source.find(kSourceMark);
  if (mark != std::string_view::npos) {
    const std::string_view number = source.substr(mark + 1);
    (void)std::from_chars(number.data(), number.data() + number.size(), out);
  }
  return out;
}

}  // namespace aigrid::grid
