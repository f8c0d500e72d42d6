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

  void learn(std::string_view entries) {
    for (const auto entry : take_entries(entries, kTileWidth)) {
      const auto leaf = decode_leaf(entry);
      if (!leaf.ok()) continue;
      for (const auto& hash : bundles_of(*leaf)) load(hash);
    }
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
  std::set<std::string> tried_;
  Laws laws_;
};

constexpr std::size_t kBatchTiles = 64;

class LogFolder {
 public:
  LogFolder(const ReadFile& read, const VerifyOptions& options, const NoteKey& key, FolderVerdict& out)
      : read_(read), folder_("log/" + log_of_origin(key.name)), key_(key), verifier_(key), out_(out) {
    for (const auto& note : options.checkpoints) {
      if (note.starts_with(key.name + "\n")) verifier_.checkpoint(note, true);
    }
    size_ = checkpoints();
    tiles_ = tiles_of(0, size_);
  }

  bool load(std::vector<FolderJudge::Batch::Part>& parts) {
    parts.clear();
    for (; next_ < tiles_.size() && parts.size() < kBatchTiles; ++next_) {
      FolderJudge::Batch::Part part;
      part.name = tiles_[next_];
      if (!load_one(part)) {
        next_ = tiles_.size();
        break;
      }
      parts.push_back(std::move(part));
    }
    return !parts.empty();
  }

  void take(FolderJudge::Batch& batch, Lawbook& laws, const std::vector<NoteKey>& keys) {
    for (auto& part : batch.parts) {
      if (cut_) return;
      auto& looked = part.looked;
      if (std::any_of(looked.begin(), looked.end(), [](const Looked& one) { return one.unjudged; })) {
        laws.learn(part.entries);
        looked = look_at(part.name.width, part.hashes, part.entries, laws.laws());
      }
      for (auto& leaf : looked) hold_signers(leaf, keys);
      verifier_.tile(looked);
      cut_ = looked.size() < part.name.width;
    }
  }

  LogVerdict finish() {
    for (unsigned level = 1; level < levels_of(size_); ++level) {
      for (const auto& name : tiles_of(level, size_)) upper(name);
    }
    return {log_of_origin(key_.name), format_key(key_), verifier_.finish()};
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

  // A gateway signs distances with the key of its log.
  static void hold_signers(Looked& leaf, const std::vector<NoteKey>& keys) {
    for (const auto& [gateway, key] : leaf.signers) {
      for (const auto& known : keys) {
        if (!known.name.ends_with("." + gateway) || known.public_key == key || !leaf.wrong.empty()) continue;
        leaf.wrong = "the key of " + gateway + " is not the one that its log is signed with";
      }
    }
  }

  // False: nothing of it is there.
  bool load_one(FolderJudge::Batch::Part& part) {
    bool any = false;
    for (auto [path, into] : {std::pair("/tile/" + tile_path(part.name), &part.hashes),
                              std::pair("/tile/" + entries_path(part.name), &part.entries)}) {
      auto bytes = read_(folder_ + path);
      if (!bytes.ok()) {
        problem(path, bytes.error());
        continue;
      }
      *into = std::move(*bytes);
      any = true;
    }
    return any;
  }

  void upper(const TileName& name) {
    const auto hashes = read_(folder_ + "/tile/" + tile_path(name));
    if (!hashes.ok()) problem("/tile/" + tile_path(name), hashes.error());
    verifier_.upper_tile(name, hashes.ok() ? *hashes : std::string());
  }

  void problem(const std::string& file, const Error& error) {
    out_.problems.push_back(folder_ + file + ": " + error.message);
  }

  const ReadFile& read_;
  std::string folder_;
  NoteKey key_;
  Verifier verifier_;
  FolderVerdict& out_;
  std::uint64_t size_ = 0;
  std::vector<TileName> tiles_;
  std::size_t next_ = 0;
  bool cut_ = false;  // a leaf could not be read, not even its hash: what comes after it has no place
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

namespace {

class WholeFolder final : public FolderJudge {
 public:
  WholeFolder(const ReadFile& read, const VerifyOptions& options, const std::vector<NoteKey>& keys, FolderVerdict found)
      : read_(read), verdict_(std::move(found)), laws_(read_, bundle_key(keys), verdict_) {
    for (const auto& key : keys) {
      if (!key.name.ends_with(kBundlesKey)) logs_.push_back(std::make_unique<LogFolder>(read_, options, key, verdict_));
    }
    if (logs_.empty()) verdict_.problems.emplace_back("keys: it names no log");
  }

  bool load(Batch& batch) override {
    for (; at_ < logs_.size(); ++at_) {
      batch.log = at_;
      if (logs_[at_]->load(batch.parts)) return true;
    }
    return false;
  }
  void look(Batch& batch, std::size_t part) const override {
    auto& one = batch.parts[part];
    one.looked = look_at(one.name.width, one.hashes, one.entries, laws_.laws());
  }
  void take(Batch& batch) override { logs_[batch.log]->take(batch, laws_, keys_); }
  FolderVerdict finish() override {
    for (auto& log : logs_) verdict_.logs.push_back(log->finish());
    return std::move(verdict_);
  }

 private:
  static std::string bundle_key(const std::vector<NoteKey>& keys) {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [](const NoteKey& key) { return key.name.ends_with(kBundlesKey); });
    return found == keys.end() ? std::string() : found->public_key;
  }

  ReadFile read_;
  std::vector<NoteKey> keys_;
  FolderVerdict verdict_;
  Lawbook laws_;
  std::vector<std::unique_ptr<LogFolder>> logs_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::unique_ptr<FolderJudge>> FolderJudge::open(const ReadFile& read, const VerifyOptions& options) {
  AIGRID_TRY(const std::string text, read("keys"));
  FolderVerdict found;
  if (text.empty() || !text.ends_with('\n') || text.find("\n\n") != std::string::npos) {
    found.problems.emplace_back("keys: it is not written as an export writes it: one key a line, each line ended");
  }
  auto keys = judge_keys(lines_of(text), options, found);
  return std::unique_ptr<FolderJudge>(std::make_unique<WholeFolder>(read, options, std::move(keys), std::move(found)));
}

Result<FolderVerdict> verify_folder(const ReadFile& read, const VerifyOptions& options) {
  AIGRID_TRY(const auto judge, FolderJudge::open(read, options));
  FolderJudge::Batch batch;
  while (judge->load(batch)) {
    for (std::size_t i = 0; i < batch.parts.size(); ++i) judge->look(batch, i);
    judge->take(batch);
  }
  return judge->finish();
}

}  // namespace aigrid::audit
