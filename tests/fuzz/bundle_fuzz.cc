// Hostile bytes as an update and as the file on disk: never a crash; what decodes encodes to bytes that decode the
// same.
#include <cstdint>
#include <cstdlib>

#include "base/crypto/ed25519.h"
#include "format/bundle/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace aigrid::bundle;
  const std::string_view wire(reinterpret_cast<const char*>(bytes), size);
  static const std::string key = aigrid::crypto::SigningKey::from_seed(std::string(32, 'f'))->public_key();
  if (auto update = decode_update(wire); update.ok()) {
    const auto text = encode(*update);
    if (encode(*decode_update(text)) != text) std::abort();
    // Signed for once, so that what lies behind the signature is reached too.
    Manifest m{kFormat, "fuzz", 1, 1, {}};
    for (const auto& [name, section] : update->full) m.sections[name] = hash_of(section);
    update->manifest = sign(m, std::string(32, 'f'));
    if (const auto held = apply({}, *update, key, Scope::Gateway, {}); held.ok()) {
      if (encode(*decode_held(encode(*held), key)) != encode(*held)) std::abort();
      if (const auto i = inventory(*held); i.ok() && i->grid != "fuzz") std::abort();
    }
  }
  if (decode_held(wire, key).ok()) std::abort();
  return 0;
}
