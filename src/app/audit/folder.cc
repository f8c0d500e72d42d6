#include "app/audit/folder.h"

#include <algorithm>
#include <set>

#include "base/crypto/encode.h"
#include "core/audit/leaf.h"
#include "format/bundle/bundle.h"
#include "format/json/json.h"

namespace aigrid::audit {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end != 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The bundles that the leaves of these entries name, verified and compiled once.
class Lawbook {
 public:
  Lawbook(const ReadFile& read, std::string bundle_key, FolderVerdict& out)
      : read_(read), bundle_key_(std::move(bundle_key)), out_(out) {}

  // True: there were new ones.
  bool learn(std::string_view entries) {
    const std::size_t before = laws_.size();
    const auto parsed = parse_entries(entries);
    if (!parsed.ok()) return false;
    for (const auto entry : *parsed) {
      const auto leaf = decode_leaf(entry);
      if (!leaf.ok()) continue;
      const auto* request = std::get_if<grid::RequestLeaf>(&leaf->body);
      if (request == nullptr) continue;
      if (request->bundle_hash != last_) load(last_ = request->bundle_hash);
      for (const auto& hash : request->later_bundles) load(hash);
    }
    return laws_.size() > before;
  }
  const Laws& laws() const { return laws_; }

 private:
  void load(const std::string& hash) {
    if (hash.size() != kHashBytes || !tried_.insert(hash).second) return;
    const std::string path = "bundles/" + crypto::hex(hash);
    const auto bytes = read_(path);
    if (!bytes.ok()) return;  // its leaves are counted as unjudged
    auto held = bundle::decode_held(*bytes, bundle_key_);
    if (held.ok() && bundle::encode(*held) != *bytes) held = invalid("it is not written as a bundle is written");
    if (held.ok() && crypto::view(crypto::sha256(held->manifest.bytes)) != hash) {
      held = invalid("it is another bundle than its name says");
    }
    auto inventory = held.ok() ? bundle::inventory(*held) : Result<grid::Inventory>(held.error());
    auto law = inventory.ok() ? Law::compile(*inventory) : Result<std::shared_ptr<const Law>>(inventory.error());
    if (!law.ok()) {
      out_.problems.push_back(path + ": " + law.error().message);
      return;
    }
    ++out_.bundles;
    laws_[hash] = std::move(*law);
  }

  const ReadFile& read_;
  std::string bundle_key_;
  FolderVerdict& out_;
  std::string last_;
  std::set<std::string> tried_;
  Laws laws_;
};

class LogFolder {
 public:
  LogFolder(const ReadFile& read, const VerifyOptions& options, const NoteKey& key, Lawbook& laws, FolderVerdict& out)
      : read_(read), folder_("log/" + log_of_origin(key.name)), key_(key), verifier_(key), laws_(laws), out_(out) {
    for (const auto& note : options.checkpoints) {
      if (note.starts_with(key.name + "\n")) verifier_.checkpoint(note, true);
    }
  }

  Verdict verify() {
    const std::uint64_t size = checkpoints();
    for (const auto& name : tiles_of(0, size)) {
      if (!leaves(name)) break;
    }
    for (unsigned level = 1; level < levels_of(size); ++level) {
      for (const auto& name : tiles_of(level, size)) upper(name);
    }
    return verifier_.finish();
  }

 private:
  // Size of the newest one.
  std::uint64_t checkpoints() {
    std::uint64_t size = 0;
    const auto newest = read_(folder_ + "/checkpoint");
    if (newest.ok()) {
      verifier_.checkpoint(*newest);
      if (const auto opened = open_checkpoint(*newest, key_); opened.ok()) size = opened->size;
    } else {
      problem("/checkpoint", newest.error());
    }
    const auto text = read_(folder_ + "/checkpoints.json");
    const auto notes = text.ok() ? decode_checkpoints(*text) : Result<std::vector<std::string>>(text.error());
    if (!notes.ok()) {
      problem("/checkpoints.json", notes.error());
      return size;
    }
    for (const auto& note : *notes) verifier_.checkpoint(note);
    return size;
  }

  bool leaves(const TileName& name) {
    const auto hashes = read_(folder_ + "/tile/" + tile_path(name));
    if (!hashes.ok()) return problem("/tile/" + tile_path(name), hashes.error());
    const auto entries = read_(folder_ + "/tile/" + entries_path(name));
    if (!entries.ok()) return problem("/tile/" + entries_path(name), entries.error());
    auto looked = look_at(*hashes, *entries, laws_.laws());
    const auto unjudged = [](const Looked& one) { return one.unjudged; };
    if (looked.ok() && std::any_of(looked->begin(), looked->end(), unjudged) && laws_.learn(*entries)) {
      looked = look_at(*hashes, *entries, laws_.laws());
    }
    if (looked.ok() && looked->size() != name.width) {
      looked = invalid("it has " + std::to_string(looked->size()) + " leaves, not " + std::to_string(name.width));
    }
    if (!looked.ok()) return problem("/tile/" + entries_path(name), looked.error());
    verifier_.tile(*looked);
    return true;
  }

  void upper(const TileName& name) {
    const auto hashes = read_(folder_ + "/tile/" + tile_path(name));
    if (hashes.ok()) {
      verifier_.upper_tile(name, *hashes);
    } else {
      problem("/tile/" + tile_path(name), hashes.error());
    }
  }

  bool problem(const std::string& file, const Error& error) {
    out_.problems.push_back(folder_ + file + ": " + error.message);
    return false;
  }

  const ReadFile& read_;
  std::string folder_;
  NoteKey key_;
  Verifier verifier_;
  Lawbook& laws_;
  FolderVerdict& out_;
};

// The folder's keys, held against those that the reader trusts.
std::vector<NoteKey> judge_keys(const std::vector<std::string>& lines, const VerifyOptions& options,
                                FolderVerdict& out) {
  std::vector<NoteKey> keys;
  std::set<std::string> names;
  for (const auto& line : lines) {
    auto key = parse_key(line);
    const bool bundles = key.ok() && key->name.ends_with(kBundlesKey);
    if (key.ok() && !bundles && log_of_origin(key->name).empty()) key = invalid("\"" + line + "\" names no log");
    if (key.ok() && !names.insert(key->name).second) key = invalid("two keys of " + key->name);
    if (key.ok() && !options.keys.empty() &&
        std::find(options.keys.begin(), options.keys.end(), line) == options.keys.end()) {
      key = invalid(line + " is not among the keys that you trust");
    }
    if (key.ok()) {
      keys.push_back(std::move(*key));
    } else {
      out.problems.push_back("keys: " + key.error().message);
    }
  }
  for (const auto& trusted : options.keys) {
    if (std::find(lines.begin(), lines.end(), trusted) == lines.end()) {
      out.problems.push_back("keys: nothing here is signed by " + trusted + ", which you trust");
    }
  }
  return keys;
}

}  // namespace

bool FolderVerdict::ok() const {
  return problems.empty() && !logs.empty() && std::all_of(logs.begin(), logs.end(), [](const LogVerdict& l) {
           return l.verdict.found == 0 && l.verdict.unjudged == 0;
         });
}

std::string log_of_origin(std::string_view origin) {
  const std::size_t slash = origin.rfind('/');
  const std::string_view log = slash == std::string_view::npos ? origin : origin.substr(slash + 1);
  const bool fit = !log.empty() && log.front() != '.' && std::all_of(log.begin(), log.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
  return fit ? std::string(log) : std::string();
}

std::string encode_checkpoints(const std::vector<std::string>& notes) { return json::dump(json::Json(notes)) + "\n"; }

Result<std::vector<std::string>> decode_checkpoints(std::string_view text) {
  AIGRID_TRY(const json::Json value, json::parse(text));
  std::vector<std::string> out;
  const json::Json wrapped{{"notes", value}};
  json::Reader reader(wrapped, "checkpoints");
  reader.get("notes", out);
  AIGRID_CHECK_OK(reader.result());
  if (encode_checkpoints(out) != text) return invalid("it is not written as an export writes it");
  return out;
}

Result<FolderVerdict> verify_folder(const ReadFile& read, const VerifyOptions& options) {
  AIGRID_TRY(const std::string text, read("keys"));
  FolderVerdict out;
  if (text.empty() || !text.ends_with('\n') || text.find("\n\n") != std::string::npos) {
    out.problems.emplace_back("keys: it is not written as an export writes it: one key a line, each line ended");
  }
  const auto keys = judge_keys(lines_of(text), options, out);
  std::string bundle_key;
  for (const auto& key : keys) {
    if (key.name.ends_with(kBundlesKey)) bundle_key = key.public_key;
  }
  Lawbook laws(read, bundle_key, out);
  for (const auto& key : keys) {
    if (key.name.ends_with(kBundlesKey)) continue;
    LogFolder folder(read, options, key, laws, out);
    out.logs.push_back({log_of_origin(key.name), format_key(key), folder.verify()});
  }
  if (out.logs.empty()) out.problems.push_back("keys: it names no log");
  return out;
}

}  // namespace aigrid::audit
