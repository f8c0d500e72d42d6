// Rendezvous hashing (Thaler, Ravishankar 1998): whoever of the living has the highest weight for a key keeps it, so
// one that goes or comes moves only the keys that were, or become, its own. Pure; the same on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace aigrid {

inline std::uint64_t rendezvous_weight(std::initializer_list<std::string_view> parts) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a, then mixed
  for (const std::string_view text : parts) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ 0xffU) * 0x100000001b3ULL;
  }
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31U);
}

}  // namespace aigrid
