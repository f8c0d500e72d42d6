// A request's leaf as people read it, and its proof as a file: the leaf, where it stands in a signed tree, and the key
// that signed. Whoever holds the file and trusts the key needs nothing else to check it. Pure, any thread. Errors:
// InvalidArgument (not such a file: what is wrong), PermissionDenied (something does not hold).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/audit/note.h"
#include "core/audit/proof.h"
#include "grid/receipt.h"

namespace aigrid::audit {

// JSON: decision, timeline, price, receipt.
std::string show_request(const grid::RequestLeaf& request, std::string_view receipt);

struct ProofFile {
  std::string receipt;
  std::string leaf;  // its bytes
  std::uint64_t index = 0;
  std::uint64_t size = 0;  // of the signed tree
  Proof proof;
  std::string checkpoint;
  std::string key;  // as NoteKey's text
};
std::string encode(const ProofFile& file);
Result<ProofFile> decode_proof_file(std::string_view text);

// The leaf, once it is the one that the receipt names, lies in the signed tree, and the tree is signed by the file's
// key, which is among `trusted` (empty: it is taken at its word).
Result<grid::AuditLeaf> check(const ProofFile& file, const std::vector<std::string>& trusted);

// The bytes are those that the leaf's salted hash was made of.
bool opens(const grid::AuditLeaf& leaf, std::string_view salted_hash, std::string_view bytes);

}  // namespace aigrid::audit
