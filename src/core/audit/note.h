// Checkpoints as signed notes (C2SP tlog-checkpoint, signed-note; Ed25519): the size and root of a log at a time,
// signed by the log's key. A verifier key is `name+hhhhhhhh+base64(0x01 ‖ key)`, as golang.org/x/mod/sumdb/note reads
// it. Pure, any thread. Errors: InvalidArgument (not a note, not a checkpoint, not a key: what is wrong),
// PermissionDenied (no signature of this key, or a wrong one).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/crypto/ed25519.h"
#include "core/audit/tree.h"

namespace aigrid::audit {

inline constexpr std::size_t kMaxNoteBytes = 16 * 1024;

struct NoteKey {
  std::string name;        // of the log: its origin
  std::string public_key;  // 32 bytes
};
std::string format_key(const NoteKey& key);
Result<NoteKey> parse_key(std::string_view text);

// `text` ends with a newline.
std::string sign_note(std::string_view text, std::string_view name, const crypto::SigningKey& key);
// The text, once the note carries a valid signature of this key. Signatures of unknown keys are passed over.
Result<std::string> open_note(std::string_view note, const NoteKey& key);

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Digest root{};
  std::int64_t unix_ms = 0;  // an extension line, `time 1767225600000`
  bool operator==(const Checkpoint&) const = default;
};
std::string format_checkpoint(const Checkpoint& checkpoint);
Result<Checkpoint> parse_checkpoint(std::string_view text);
// Opens, parses, and the origin is the key's name.
Result<Checkpoint> open_checkpoint(std::string_view note, const NoteKey& key);

}  // namespace aigrid::audit
