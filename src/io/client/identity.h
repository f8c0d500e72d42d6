// Identity: what a member of the grid holds after its join, as it lies in identity.json of its own state directory
// (0600). Plain value. Errors: NotFound (never joined), DataLoss (not readable as an identity: the file must be removed
// and the member joined again), and what Files gives.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/spiffe.h"
#include "io/env/env.h"

namespace aigrid::io {

struct Identity {
  std::string key;                 // private key, as Keys made it
  std::string chain;               // leaf first
  std::vector<std::string> roots;  // all that are trusted
  std::string bundle_key;          // Ed25519 public key of the control plane, 32 raw bytes
  std::string grid;
};

std::string encode(const Identity& identity);
Result<Identity> decode_identity(std::string_view text);

// `state` is the state directory; save makes it where it is missing.
Result<Identity> load_identity(Files& files, const std::string& state);
Result<void> save_identity(Files& files, const std::string& state, const Identity& identity);

}  // namespace aigrid::io
