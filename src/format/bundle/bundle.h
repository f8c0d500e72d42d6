// Bundle: signed, versioned configuration. A version is one manifest (section name → hash) signed with Ed25519, and
// sections addressed by their SHA-256. A section is canonical JSON lines, one resource a line {"kind","name","spec"},
// sorted by (kind, name). A delta brings, per changed section, either the whole text or the lines removed and added
// against the section held (named by its hash); the result is checked against the signed manifest, so a delta needs no
// signature. Sections: `sites` `policy` `models` `prices` `peers` `keys/00`…`keys/3f` `agents/0`…`agents/f`, and
// `agent/<node>`, whose hash stands not in the manifest but in its shard of `agents/`: the manifest, which every change
// sends to everybody, has the same size however many nodes there are. Pure, any thread.
// Errors: DataLoss (blank, truncated, bad hash), PermissionDenied (bad signature), Unimplemented (future format),
// Conflict (older than the one held, or a delta against another base).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grid/inventory.h"

namespace aigrid::bundle {

inline constexpr int kFormat = 2;
inline constexpr unsigned kKeyShards = 64;
inline constexpr unsigned kAgentShards = 16;

struct Manifest {
  int format = kFormat;
  std::string grid;
  std::uint64_t epoch = 0;    // of the control plane's store; a restored backup raises it
  std::uint64_t version = 0;  // the store's revision it was compiled from
  // Name → SHA-256 hex. Those of `agent/<node>` are not signed here; whoever holds their shard has them too.
  std::map<std::string, std::string> sections;

  bool operator==(const Manifest&) const = default;
};

struct SignedManifest {
  std::string bytes;      // canonical JSON
  std::string signature;  // 64 bytes
};

// Section texts by name.
using Sections = std::map<std::string, std::shared_ptr<const std::string>>;

// The seed has 32 bytes (an empty signature otherwise, which nothing verifies).
SignedManifest sign(const Manifest& manifest, std::string_view ed25519_seed);
Result<Manifest> verify(const SignedManifest& manifest, std::string_view ed25519_public_key);

// Compiles the whole configuration: every section, for every scope. Key shards without keys are left out.
Sections compile(const grid::Inventory& everything);
Manifest manifest_of(const Sections& sections, std::string grid, std::uint64_t epoch, std::uint64_t version);

enum class Scope : std::uint8_t { Gateway, Agent };
// May a reader of this scope hold the section? `node`: the agent's. Gateways hold every agent/<node> of their site.
bool in_scope(Scope scope, std::string_view section, std::string_view node);

// A reader's copy: what it verified and holds, as it lies on disk and travels to agents.
struct Held {
  SignedManifest manifest;
  Manifest parsed;
  Sections sections;
};

// One update message. Full when `base_version` is 0.
struct Update {
  SignedManifest manifest;
  std::uint64_t base_version = 0;
  std::map<std::string, std::string> full;  // section → text
  struct Lines {
    std::string base_hash;
    std::vector<std::string> removed;  // "kind/name"
    std::vector<std::string> added;    // whole lines
  };
  std::map<std::string, Lines> changed;
};

// From what the reader holds (section → hash; empty: nothing) to `target`; `history` finds texts by hash.
Update diff(const std::map<std::string, std::string>& held, std::uint64_t held_version, const Held& target,
            const std::map<std::string, std::shared_ptr<const std::string>>& history, Scope scope,
            const std::vector<std::string>& nodes);
// Verifies signature, grid, version order (the same version again is fine), scope and the hash of every changed
// section. `node`: of an agent. A gateway holds those sections of agents that it was sent, for as long as they are the
// newest: which nodes are of its site, control knows. On error the old copy stays valid.
Result<Held> apply(const Held& held, const Update& update, std::string_view ed25519_public_key, Scope scope,
                   std::string_view node);

std::string encode(const Update& update);
Result<Update> decode_update(std::string_view bytes);
std::string encode(const Held& held);  // the file on disk
Result<Held> decode_held(std::string_view bytes, std::string_view ed25519_public_key);

// Sections → nouns. Kinds and fields of a newer control plane are skipped.
Result<grid::Inventory> inventory(const Held& held);
// The same, decoding only the sections that differ from those `before` (whose inventory is `known`).
Result<grid::Inventory> inventory(const Held& held, const Held& before, const grid::Inventory& known);

// Names of sections held with another text, or by only one of the two; ascending.
std::vector<std::string> changed_sections(const Held& from, const Held& to);
// What a reader of this scope holds, for its hello: section → hash.
std::map<std::string, std::string> held_hashes(const Held& held);
std::string hash_of(std::string_view section_text);

}  // namespace aigrid::bundle
