// Event stream scanner: must not crash, and gives the same events however the bytes were cut.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "format/http/sse.h"

namespace {

std::string run(std::string_view bytes, std::size_t step) {
  aigrid::http::SseScanner scanner(512);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const bool ok = scanner.feed(bytes.substr(at, step)).ok();
    while (auto e = scanner.next()) {
      out.append(e->type).append("|").append(e->data).append("|").append(e->id).append("\n");
    }
    if (!ok) return "over";  // where the bound strikes may depend on the cut
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto cut = run(bytes, 1U + data[0] % 7U);
  const auto whole = run(bytes, bytes.size() + 1);
  if (cut != "over" && whole != "over" && cut != whole) std::abort();
  return 0;
}
