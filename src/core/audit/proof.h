// Proofs of a Merkle tree (RFC 6962 §2.1.1, §2.1.2; verified as in RFC 9162 §2.1.3.2, §2.1.4.2): that a leaf is at an
// index of a tree, and that one tree is the beginning of another. Made from tiles, checked from nothing but hashes.
// Pure, any thread. Errors: InvalidArgument (index or size outside), PermissionDenied (the proof does not hold).
#pragma once

#include <vector>

#include "core/audit/tree.h"

namespace aigrid::audit {

using Proof = std::vector<Digest>;

Result<Proof> prove_inclusion(std::uint64_t index, std::uint64_t size, const TileReader& read);
Result<Proof> prove_consistency(std::uint64_t older, std::uint64_t newer, const TileReader& read);
// Root of the first `size` leaves.
Result<Digest> root_at(std::uint64_t size, const TileReader& read);

Result<void> check_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size, const Digest& root,
                             const Proof& proof);
Result<void> check_consistency(std::uint64_t older, const Digest& older_root, std::uint64_t newer,
                               const Digest& newer_root, const Proof& proof);

}  // namespace aigrid::audit
