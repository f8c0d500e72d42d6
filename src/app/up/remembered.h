// Remembered: what `up` keeps between two runs over the same state, so that addresses, identities and keys stay valid.
// A plain value; its text holds secrets and lies in a file of mode 0600. Errors: DataLoss.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aigrid::up {

struct Remembered {
  std::map<std::string, int> ports;  // by what listens: "paris.public", "relay.lyon-paris" …
  std::string admin_key;
  std::string engine_secret;
  std::map<std::string, std::string> tenant_keys;
  std::set<std::string> joined;  // processes that need no token any more
  bool operator==(const Remembered&) const = default;
};

std::string encode(const Remembered& remembered);
Result<Remembered> decode_remembered(std::string_view text);

}  // namespace aigrid::up
