// The certificates of the virtual world: `name=value` lines signed with Ed25519 (base/crypto), so that a wrong key, a
// forged chain or an expired certificate fails there for the same reason as in real life, and every byte follows from
// the seed. Used by VirtualKeys and VirtualTls. Pure values. Errors: InvalidArgument (text), Unauthenticated (trust).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace aigrid::io {

struct VirtualCert {
  std::string id;
  std::string issuer;  // key hash of the signer; its own on a root
  std::string key;     // 32 bytes
  std::string serial;  // hex
  WallTime not_before;
  WallTime not_after;
  bool authority = false;
  std::string signature;

  std::string signed_text() const;
  std::string text() const;
  std::string key_hash() const;
};

// One or more (at most 16), leaf first.
Result<std::vector<VirtualCert>> parse_virtual_chain(std::string_view text);

std::string virtual_key_text(std::string_view seed);
Result<std::string> parse_virtual_key(std::string_view text);  // the 32-byte seed

// What is trusted: the key hashes of roots, each with the root where it is known; a pin needs the root in the chain.
struct VirtualTrust {
  std::vector<VirtualCert> roots;
  std::string pin;              // when set, `roots` is not looked at
  std::optional<WallTime> now;  // not set: times are not checked
};
// Whether the first certificate is a leaf vouched for by a trusted root. Unauthenticated otherwise.
Result<void> verify_virtual_chain(const std::vector<VirtualCert>& chain, const VirtualTrust& trust);

// Reads `name=value` lines in exactly this order from the front of `text`; used by all texts of the virtual world.
Result<std::vector<std::string>> take_lines(std::string_view& text, std::string_view title,
                                            std::span<const std::string_view> names);

}  // namespace aigrid::io
