// Receipts, leaves, entry bundles, tile paths, keys, notes, checkpoints, proofs, passes and what a witness is asked,
// from a hostile log: what is read at all is written again as the same bytes, or as what reads the same.
#include <cstdint>
#include <cstdlib>

#include "app/audit/folder.h"
#include "app/audit/proof_file.h"
#include "app/audit/witness.h"
#include "core/audit/leaf.h"
#include "core/audit/note.h"
#include "core/audit/pass.h"

namespace {

using namespace aigrid::audit;

void same(bool holds) {
  if (!holds) std::abort();
}

void entries(std::string_view text) {
  const auto parsed = parse_entries(text);
  if (!parsed.ok()) return;
  std::string again;
  for (const auto entry : *parsed) append_entry(again, entry);
  same(again == text);
}

void note(std::string_view text) {
  const NoteKey key{"log", std::string(32, 'k')};
  (void)open_checkpoint(text, key).ok();
  if (const auto c = parse_checkpoint(text); c.ok()) same(*parse_checkpoint(format_checkpoint(*c)) == *c);
}

void id(std::string_view text) {
  const auto r = receipt_of("log", text);
  if (!r.ok()) return;
  same("req_" + r->source + "_" + std::to_string(r->epoch) + "_" + std::to_string(r->sequence) == text);
}

void proof(std::string_view text) {
  const auto file = decode_proof_file(text);
  if (!file.ok()) return;
  (void)check(*file, {}).ok();
  const std::string again = encode(*file);
  same(encode(*decode_proof_file(again)) == again);
}

void shown(std::string_view text) {
  const auto ask = decode_witness_ask(text);
  if (!ask.ok()) return;
  const auto key = *aigrid::crypto::SigningKey::from_seed(std::string(32, 'w'));
  same(!witness({format_key({"log", std::string(32, 'k')}), 0, {}, {}}, *ask, "witness", key).ok());
  const std::string again = encode(*ask);
  same(encode(*decode_witness_ask(again)) == again);
}

void tile(std::string_view text) {
  const std::size_t half = text.size() / 2 / kHashBytes * kHashBytes;
  for (const std::uint64_t width : {std::uint64_t{1}, kTileWidth}) {
    same(look_at(width, text.substr(0, half), text.substr(half), {}).size() <= width);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  switch (bytes[0] % 11) {
    case 0:
      if (const auto leaf = decode_leaf(text); leaf.ok()) same(*encode(*leaf) == text);
      break;
    case 1:
      if (const auto receipt = parse_receipt(text); receipt.ok()) same(format_receipt(*receipt) == text);
      break;
    case 2: entries(text); break;
    case 3:
      if (const auto name = parse_tile_path(text); name.ok()) {
        same((text.starts_with("entries") ? entries_path(*name) : tile_path(*name)) == text);
      }
      break;
    case 4:
      if (const auto key = parse_key(text); key.ok()) same(format_key(*key) == text);
      break;
    case 5: id(text); break;
    case 6: proof(text); break;
    case 7: shown(text); break;
    case 8: tile(text); break;
    case 9: same(!open_pass(text, "grid", std::string(32, 'k'), 1).ok()); break;
    default: note(text);
  }
  return 0;
}
