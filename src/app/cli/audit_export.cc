// audit export.
#include <fmt/format.h>

#include <set>

#include "app/audit/export.h"
#include "app/audit/folder.h"
#include "app/cli/access.h"
#include "base/crypto/encode.h"
#include "core/audit/leaf.h"
#include "format/json/json.h"
#include "io/http/web.h"

namespace aigrid::cli {

namespace {

constexpr std::size_t kPartBytes = std::size_t{64} << 20U;

Result<void> save(io::Env& env, const std::string& path, std::string_view bytes) {
  AIGRID_CHECK_OK(env.files().make_folders(path.substr(0, path.rfind('/')), 0755));
  AIGRID_TRY(const auto file, env.files().open(path, io::OpenMode::Create));
  AIGRID_CHECK_OK(file->truncate(0));
  return file->append(bytes);
}

// One log, from whoever keeps it, into its folder.
class LogExport {
 public:
  // `path`: where the keeper serves its parts.
  LogExport(io::Env& env, const AuditExportOptions& options, std::string keeper, std::string path,
            std::string credential)
      : env_(env),
        options_(options),
        keeper_(std::move(keeper)),
        path_(std::move(path)),
        credential_(std::move(credential)) {}

  // What control has seen of it belongs to the export: if the log is another by now, that shows.
  void witnessed(std::string key, std::string checkpoint) {
    witnessed_key_ = std::move(key);
    witnessed_ = std::move(checkpoint);
  }

  // The key's line for the folder's `keys`.
  io::Task<Result<std::string>> run() {
    auto text = co_await part("log");
    if (!text.ok()) co_return std::move(text).error();
    AIGRID_CO_TRY(const audit::LogIntro intro, audit::decode_intro(*text));
    AIGRID_CO_TRY(const audit::NoteKey key, audit::parse_key(intro.key));
    if (!witnessed_key_.empty() && witnessed_key_ != intro.key) {
      co_return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                      "it is signed by " + intro.key + ", and control has seen one signed by " + witnessed_key_};
    }
    folder_ = options_.folder + "/log/" + audit::log_of_origin(key.name) + "/";
    if (intro.checkpoint.empty()) co_return std::string();  // nothing has happened there yet
    AIGRID_CO_TRY(const audit::Checkpoint newest, audit::open_checkpoint(intro.checkpoint, key));
    AIGRID_CO_CHECK_OK(save(env_, folder_ + "checkpoint", intro.checkpoint));
    auto noted = co_await checkpoints(key, newest.size);
    if (!noted.ok()) co_return std::move(noted).error();
    auto tiled = co_await tiles(newest.size);
    if (!tiled.ok()) co_return std::move(tiled).error();
    leaves_ = newest.size;
    co_return intro.key + "\n";
  }

  std::uint64_t leaves() const { return leaves_; }

 private:
  io::Task<Result<std::string>> part(std::string which) {
    http::RequestHead head{"GET", path_ + which, {{"authorization", "Bearer " + credential_}}};
    io::ClientTimes times;
    times.head = options_.access.limits.call;
    auto answer = co_await io::web_request(env_, keeper_, options_.access.ca, std::move(head), {}, times);
    if (!answer.ok()) co_return unavailable(keeper_ + " gave no answer: " + answer.error().message);
    auto body = co_await answer->read_all(kPartBytes);
    if (!body.ok()) co_return std::move(body).error();
    if (answer->head.status == 404) {
      co_return Error{Code::NotFound, Origin::Client, Retry::Never, keeper_ + " has no " + path_ + which};
    }
    if (answer->head.status != 200) {
      co_return unavailable(keeper_ + " refused " + path_ + which + ": " + body->substr(0, 300));
    }
    co_return std::move(*body);
  }

  io::Task<Result<void>> checkpoints(audit::NoteKey key, std::uint64_t size) {
    std::vector<std::string> notes;
    for (std::uint64_t from = 0; from <= size;) {
      auto text = co_await part("checkpoints/" + std::to_string(from));
      if (!text.ok()) co_return std::move(text).error();
      AIGRID_CO_TRY(const auto some, audit::decode_checkpoints(*text));
      for (const auto& note : some) {
        AIGRID_CO_TRY(const audit::Checkpoint one, audit::open_checkpoint(note, key));
        from = std::max(from, one.size) + 1;
        if (one.size <= size) notes.push_back(note);  // the log goes on while it is read
      }
      if (some.empty()) break;
    }
    if (!witnessed_.empty()) notes.push_back(witnessed_);
    co_return save(env_, folder_ + "checkpoints.json", audit::encode_checkpoints(notes));
  }

  io::Task<Result<void>> tiles(std::uint64_t size) {
    for (unsigned level = 0; level < audit::levels_of(size); ++level) {
      for (const auto& name : audit::tiles_of(level, size)) {
        auto saved = co_await one_tile("tile/" + audit::tile_path(name));
        if (saved.ok() && level == 0) saved = co_await one_tile("tile/" + audit::entries_path(name));
        if (!saved.ok()) co_return std::move(saved).error();
      }
    }
    co_return Result<void>();
  }

  io::Task<Result<void>> one_tile(std::string path) {
    auto bytes = co_await part(path);
    if (!bytes.ok()) co_return std::move(bytes).error();
    AIGRID_CO_CHECK_OK(save(env_, folder_ + path, *bytes));
    if (path.find("/entries/") == std::string::npos) co_return Result<void>();
    AIGRID_CO_TRY(const auto entries, audit::parse_entries(*bytes));
    std::set<std::string> named;
    for (const auto entry : entries) {
      const auto leaf = audit::decode_leaf(entry);
      if (!leaf.ok()) continue;
      for (auto& hash : audit::bundles_of(*leaf)) named.insert(std::move(hash));
    }
    for (const auto& hash : named) {
      auto saved = co_await one_bundle("bundles/" + crypto::hex(hash));
      if (!saved.ok()) co_return std::move(saved).error();
    }
    co_return Result<void>();
  }

  // One that the keeper has lost is missing in the export, and its requests are told as unjudged.
  io::Task<Result<void>> one_bundle(std::string path) {
    if (!bundles_.insert(path).second || env_.files().stat(options_.folder + "/" + path).ok()) co_return Result<void>();
    auto bytes = co_await part(path);
    if (!bytes.ok() && bytes.error().code == Code::NotFound) co_return Result<void>();
    if (!bytes.ok()) co_return std::move(bytes).error();
    co_return save(env_, options_.folder + "/" + path, *bytes);
  }

  io::Env& env_;
  const AuditExportOptions& options_;
  std::string keeper_;
  std::string path_;
  std::string credential_;
  std::string witnessed_key_;
  std::string witnessed_;
  std::string folder_;
  std::uint64_t leaves_ = 0;
  std::set<std::string> bundles_;
};

struct Keeper {
  std::string name;
  std::string address;
  std::string path;
  std::string credential;
  std::string key;  // as control has seen it
  std::string checkpoint;
};

// Control's own log, and every gateway's.
std::vector<Keeper> keepers_of(const nlohmann::json& given, const Access& access, bool https) {
  std::vector<Keeper> out{{"control", access.management, "/api/v1/audit/", access.admin_key, "", ""}};
  const std::string pass = given.value("pass", "");
  for (const auto& g : given.value("gateways", nlohmann::json::array())) {
    out.push_back({g.value("name", ""), (https ? "https://" : "") + g.value("public_address", ""),
                   "/v1/grid/audit/" + g.value("name", "") + "/", pass, g.value("key", ""), g.value("checkpoint", "")});
  }
  return out;
}

}  // namespace

io::Task<int> run_audit_export(io::Env& env, Writer& writer, AuditExportOptions options) {
  auto access = find_grid(env, options.access);
  if (!access.ok()) co_return fail(writer, access.error());
  if (const auto there = env.files().list(options.folder); there.ok() && !there->empty()) {
    co_return fail(writer,
                   invalid(options.folder + " is not empty: an export takes a folder of its own, name a new one"));
  }
  auto given = co_await call(env, *access, "POST", "/api/v1/audit/pass");
  if (!given.ok()) co_return fail(writer, given.error());
  std::string keys = given->value("bundles_key", "") + "\n";
  int missing = 0;
  for (auto& keeper : keepers_of(*given, *access, options.https)) {
    writer.live("reading the log of " + keeper.name);
    LogExport one(env, options, keeper.address, keeper.path, keeper.credential);
    one.witnessed(keeper.key, keeper.checkpoint);
    auto key = co_await one.run();
    if (key.ok()) {
      keys += *key;
      writer.note(fmt::format("{}: {} leaves", keeper.name, one.leaves()));
    } else {
      ++missing;
      writer.note("error: the log of " + keeper.name + " is not in this export: " + key.error().message);
    }
  }
  auto saved = save(env, options.folder + "/keys", keys);
  if (!saved.ok()) co_return fail(writer, saved.error());
  if (missing == 0) writer.note("aigrid audit verify " + options.folder + " judges it, with no network");
  co_return missing == 0 ? 0 : 1;
}

}  // namespace aigrid::cli
