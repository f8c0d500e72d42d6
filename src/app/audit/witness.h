// Witnessing (after C2SP tlog-witness): the keeper of a log shows each new checkpoint to somebody else, with the proof
// that it goes on from the one shown before; who finds that it does signs it too, and remembers only the newest. So a
// log that was rewritten, or that shows two faces, is found by whom it shows them. Pure, any thread. Errors:
// InvalidArgument (no such message), Conflict (it goes on from another size than the witness remembers),
// PermissionDenied (another key than before; not the continuation).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/audit/note.h"
#include "core/audit/proof.h"

namespace aigrid::audit {

struct WitnessAsk {
  std::string key;        // of the log, as NoteKey's text
  std::uint64_t old = 0;  // the size that the witness has seen
  Proof proof;            // from that to the checkpoint's
  std::string checkpoint;
};
std::string encode(const WitnessAsk& ask);
Result<WitnessAsk> decode_witness_ask(std::string_view text);

// What a witness remembers of one log.
struct Witnessed {
  std::string key;
  std::uint64_t size = 0;
  std::string root;  // 32 bytes; empty: nothing yet
  std::string note;
};
// What it remembers afterwards; the note carries its signature too.
Result<Witnessed> witness(const Witnessed& before, const WitnessAsk& ask, std::string_view name,
                          const crypto::SigningKey& key);

}  // namespace aigrid::audit
