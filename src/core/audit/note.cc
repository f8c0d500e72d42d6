#include "core/audit/note.h"

#include <charconv>

#include "base/crypto/encode.h"

namespace aigrid::audit {

namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // an em dash and a space, before each signature
constexpr char kEd25519 = 1;
constexpr std::size_t kKeyHashBytes = 4;

std::string key_hash(std::string_view name, std::string_view typed_key) {
  std::string text(name);
  text += '\n';
  text += typed_key;
  return crypto::bytes(crypto::sha256(text)).substr(0, kKeyHashBytes);
}

std::string typed(std::string_view public_key) { return std::string(1, kEd25519) + std::string(public_key); }

bool good_name(std::string_view name) {
  if (name.empty()) return false;
  for (char c : name) {
    if (c == '+' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  return true;
}

template <class I>
bool whole_number(std::string_view text, I& out) {
  if (text.size() > 1 && text.front() == '0') return false;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && at == text.data() + text.size() && !text.empty() && text.front() != '-';
}

// The part up to the next newline, which is taken as well; false: there is none.
bool take_line(std::string_view& rest, std::string_view& line) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string format_key(const NoteKey& key) {
  const std::string typed_key = typed(key.public_key);
  return key.name + "+" + crypto::hex(key_hash(key.name, typed_key)) + "+" + crypto::base64(typed_key);
}

Result<NoteKey> parse_key(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return invalid("\"" + std::string(text.substr(0, 120)) + "\" is not a verifier key, name+hash+key: " + why);
  };
  const std::size_t first = text.find('+');
  if (first == std::string_view::npos) return wrong("it has no +");
  const std::size_t second = text.find('+', first + 1);
  if (second == std::string_view::npos) return wrong("it has one +");
  NoteKey key;
  key.name = std::string(text.substr(0, first));
  if (!good_name(key.name)) return wrong("its name is empty or has spaces");
  auto typed_key = crypto::from_base64(text.substr(second + 1));
  if (!typed_key.ok() || typed_key->size() != 33 || typed_key->front() != kEd25519) {
    return wrong("the last part is not base64 of 0x01 and 32 bytes");
  }
  if (crypto::hex(key_hash(key.name, *typed_key)) != text.substr(first + 1, second - first - 1)) {
    return wrong("its hash does not fit");
  }
  key.public_key = typed_key->substr(1);
  return key;
}

std::string sign_note(std::string_view text, std::string_view name, const crypto::SigningKey& key) {
  std::string note(text);
  note += '\n';
  note += kDash;
  note += name;
  note += ' ';
  note += crypto::base64(key_hash(name, typed(key.public_key())) + key.sign(text));
  note += '\n';
  return note;
}

Result<std::string> open_note(std::string_view note, const NoteKey& key) {
  if (note.size() > kMaxNoteBytes) return invalid("a note has at most 16 KiB, not " + std::to_string(note.size()));
  for (char c : note) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n') return invalid("a note has no control characters");
  }
  const std::size_t end = note.rfind("\n\n");
  if (end == std::string_view::npos || !note.ends_with('\n')) {
    return invalid("a note is a text, an empty line and signatures, each line ended");
  }
  const std::string_view text = note.substr(0, end + 1);
  std::string_view rest = note.substr(end + 2);
  if (rest.empty()) return invalid("the note has no signature");
  const std::string hash = key_hash(key.name, typed(key.public_key));
  bool signed_by_key = false;
  std::string_view line;
  while (take_line(rest, line)) {
    if (!line.starts_with(kDash)) return invalid("a signature line begins with a dash and a space");
    line.remove_prefix(kDash.size());
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || !good_name(line.substr(0, space))) {
      return invalid("a signature line is a name, a space and base64");
    }
    auto bytes = crypto::from_base64(line.substr(space + 1));
    if (!bytes.ok() || bytes->size() <= kKeyHashBytes) return invalid("a signature is base64 of over 4 bytes");
    if (line.substr(0, space) != key.name || bytes->substr(0, kKeyHashBytes) != hash) continue;
    if (signed_by_key) return invalid("two signatures of one key");
    if (!crypto::verify(key.public_key, text, std::string_view(*bytes).substr(kKeyHashBytes))) {
      return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                   "the signature of " + key.name + " does not hold"};
    }
    signed_by_key = true;
  }
  if (!signed_by_key) {
    return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                 "the note is not signed by " + format_key(key)};
  }
  return std::string(text);
}

std::string format_checkpoint(const Checkpoint& c) {
  return c.origin + "\n" + std::to_string(c.size) + "\n" + crypto::base64(crypto::view(c.root)) + "\ntime " +
         std::to_string(c.unix_ms) + "\n";
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  Checkpoint c;
  std::string_view line;
  if (!take_line(text, line) || line.empty()) return invalid("a checkpoint begins with its log's origin");
  c.origin = std::string(line);
  if (!take_line(text, line) || !whole_number(line, c.size)) {
    return invalid("the second line of a checkpoint is the size of the log");
  }
  if (!take_line(text, line)) return invalid("the third line of a checkpoint is the root hash");
  auto root = crypto::from_base64(line);
  if (!root.ok()) return invalid("the root hash of a checkpoint is base64");
  AIGRID_TRY(c.root, digest_of(*root));
  while (take_line(text, line)) {
    if (line.empty()) return invalid("an extension line of a checkpoint is not empty");
    if (line.starts_with("time ") && !whole_number(line.substr(5), c.unix_ms)) {
      return invalid("the time of a checkpoint is a number of milliseconds");
    }
  }
  if (!text.empty()) return invalid("the last line of a checkpoint is not ended");
  return c;
}

Result<Checkpoint> open_checkpoint(std::string_view note, const NoteKey& key) {
  AIGRID_TRY(const std::string text, open_note(note, key));
  AIGRID_TRY(Checkpoint c, parse_checkpoint(text));
  if (c.origin != key.name) {
    return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                 "a checkpoint of \"" + c.origin + "\", signed by \"" + key.name + "\""};
  }
  return c;
}

}  // namespace aigrid::audit
