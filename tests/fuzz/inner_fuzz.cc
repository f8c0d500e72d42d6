// Bytes of a hostile peer into the frame decoder, in two cuttings: same frames, and what decodes encodes to what
// decodes.
#include <cstdint>
#include <cstdlib>

#include "format/inner/frames.h"

namespace {

std::string decode_all(std::string_view wire, std::size_t piece) {
  aigrid::inner::Decoder decoder;
  std::string again;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    decoder.feed(wire.substr(at, piece));
    for (;;) {
      const auto frame = decoder.next();
      if (!frame.ok()) return again;
      if (!frame->has_value()) break;
      aigrid::inner::encode_to(again, **frame);
    }
  }
  return again;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view wire(reinterpret_cast<const char*>(bytes), size);
  const auto whole = decode_all(wire, size == 0 ? 1 : size);
  if (whole != decode_all(wire, 3)) std::abort();
  if (decode_all(whole, 5) != whole) std::abort();
  return 0;
}
