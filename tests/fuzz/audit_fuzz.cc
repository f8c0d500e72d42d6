// Receipts, leaves, entry bundles, tile paths, keys, notes and checkpoints from a hostile log: what is read at all is
// written again as the same bytes.
#include <cstdint>
#include <cstdlib>

#include "core/audit/leaf.h"
#include "core/audit/note.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  switch (bytes[0] % 6) {
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
    default: note(text);
  }
  return 0;
}
