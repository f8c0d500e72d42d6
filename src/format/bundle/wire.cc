#include "format/bundle/bundle.h"
#include "format/bundle/section.h"

namespace aigrid::bundle {

namespace {

// Bytes: magic, format (1 byte), then numbers as varints and texts as varint length and bytes.
constexpr std::string_view kUpdateMagic = "AGU";
constexpr std::string_view kHeldMagic = "AGB";

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Same, std::move(message)}; }

class Out {
 public:
  explicit Out(std::string_view magic) {
    bytes.append(magic);
    bytes.push_back(static_cast<char>(kFormat));
  }
  std::string bytes;

  void number(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7U) bytes.push_back(static_cast<char>(v | 0x80U));
    bytes.push_back(static_cast<char>(v));
  }
  void text(std::string_view v) {
    number(v.size());
    bytes.append(v);
  }
  void texts(const std::vector<std::string>& v) {
    number(v.size());
    for (const auto& t : v) text(t);
  }
};

// Reads; after the first error everything is empty and ok() is false.
class In {
 public:
  explicit In(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  std::uint64_t number() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      v |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return v;
    }
    fail();
    return 0;
  }
  std::string text() {
    const auto size = number();
    if (size > rest_.size()) fail();
    if (!ok_) return {};
    std::string v(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return v;
  }
  // A count of things of at least one byte each: bounds what is reserved and looped.
  std::uint64_t count() {
    const auto n = number();
    if (n > rest_.size()) fail();
    return ok_ ? n : 0;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> v;
    for (auto n = count(); ok_ && n > 0; --n) v.push_back(text());
    return v;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Result<In> open(std::string_view bytes, std::string_view magic, const char* what) {
  if (bytes.empty()) return broken(std::string(what) + " is blank; fetch it again");
  if (bytes.substr(0, magic.size()) != magic || bytes.size() <= magic.size()) {
    return broken(std::string(what) + " does not begin as one; fetch it again");
  }
  const int format = static_cast<unsigned char>(bytes[magic.size()]);
  if (format != kFormat) {
    return Error{Code::Unimplemented, Origin::Upstream, Retry::Never,
                 std::string(what) + " has format " + std::to_string(format) + " (this program reads format " +
                     std::to_string(kFormat) + "); update aigrid"};
  }
  return In(bytes.substr(magic.size() + 1));
}

// Of the sections of agents, or of the others.
Result<void> check_hashes(const Held& held, bool of_agents) {
  for (const auto& [name, text] : held.sections) {
    if (name.starts_with(kAgentPrefix) != of_agents) continue;
    const auto hash = held.parsed.sections.find(name);
    if (hash == held.parsed.sections.end() || hash->second != hash_of(*text)) {
      return broken("bundle: section \"" + name + "\" does not have the signed hash; fetch it again");
    }
  }
  return {};
}

}  // namespace

std::string encode(const Update& update) {
  Out out(kUpdateMagic);
  out.text(update.manifest.bytes);
  out.text(update.manifest.signature);
  out.number(update.base_version);
  out.number(update.full.size());
  for (const auto& [name, text] : update.full) {
    out.text(name);
    out.text(text);
  }
  out.number(update.changed.size());
  for (const auto& [name, lines] : update.changed) {
    out.text(name);
    out.text(lines.base_hash);
    out.texts(lines.removed);
    out.texts(lines.added);
  }
  return std::move(out.bytes);
}

Result<Update> decode_update(std::string_view bytes) {
  AIGRID_TRY(In in, open(bytes, kUpdateMagic, "bundle update"));
  Update update;
  update.manifest.bytes = in.text();
  update.manifest.signature = in.text();
  update.base_version = in.number();
  for (auto n = in.count(); in.ok() && n > 0; --n) {
    std::string name = in.text();
    update.full[std::move(name)] = in.text();
  }
  for (auto n = in.count(); in.ok() && n > 0; --n) {
    auto& lines = update.changed[in.text()];
    lines.base_hash = in.text();
    lines.removed = in.texts();
    lines.added = in.texts();
  }
  if (!in.done()) return broken("bundle update is truncated or has bytes left over; fetch it again");
  return update;
}

std::string encode(const Held& held) {
  Out out(kHeldMagic);
  out.text(held.manifest.bytes);
  out.text(held.manifest.signature);
  out.number(held.sections.size());
  for (const auto& [name, text] : held.sections) {
    out.text(name);
    out.text(*text);
  }
  return std::move(out.bytes);
}

Result<Held> decode_held(std::string_view bytes, std::string_view ed25519_public_key) {
  AIGRID_TRY(In in, open(bytes, kHeldMagic, "bundle"));
  Held held;
  held.manifest.bytes = in.text();
  held.manifest.signature = in.text();
  for (auto n = in.count(); in.ok() && n > 0; --n) {
    std::string name = in.text();
    held.sections[std::move(name)] = std::make_shared<const std::string>(in.text());
  }
  if (!in.done()) return broken("bundle is truncated or has bytes left over; fetch it again");
  AIGRID_TRY(held.parsed, verify(held.manifest, ed25519_public_key));
  AIGRID_CHECK_OK(check_hashes(held, false));
  AIGRID_CHECK_OK(learn_agents(held.sections, held.parsed));
  AIGRID_CHECK_OK(check_hashes(held, true));
  return held;
}

}  // namespace aigrid::bundle
