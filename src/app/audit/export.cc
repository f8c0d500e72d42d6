#include "app/audit/export.h"

#include <charconv>

#include "app/audit/folder.h"
#include "core/audit/leaf.h"
#include "format/json/json.h"

namespace aigrid::audit {

namespace {

constexpr std::string_view kCheckpoints = "checkpoints/";
constexpr std::string_view kTiles = "tile/";
constexpr std::string_view kEntries = "entries/";

Error no_part(std::string_view which) {
  return {Code::NotFound, Origin::Client, Retry::Never,
          "an audit log has no part \"" + std::string(which.substr(0, 80)) + "\": log, checkpoints/SIZE, tile/…"};
}

Result<std::string> checkpoints_from(io::AuditTable& table, std::string_view size) {
  std::uint64_t from = 0;
  const auto [at, error] = std::from_chars(size.data(), size.data() + size.size(), from);
  if (error != std::errc() || at != size.data() + size.size()) return no_part("checkpoints/" + std::string(size));
  AIGRID_TRY(const auto found, table.checkpoints(from, kMostCheckpoints));
  std::vector<std::string> notes;
  for (const auto& [number, note] : found) notes.push_back(note);
  return encode_checkpoints(notes);
}

Result<std::string> entries_of(io::AuditTable& table, std::string_view path) {
  AIGRID_TRY(const TileName name, parse_tile_path("0/" + std::string(path)));
  AIGRID_TRY(const auto rows, table.rows(name.number * kTileWidth, name.width));
  if (rows.size() != name.width) return no_part("tile/entries/" + std::string(path));
  std::string out;
  for (const auto& row : rows) append_entry(out, row.body);
  return out;
}

Result<std::string> hashes_of(io::Database& database, std::string_view path) {
  AIGRID_TRY(const TileName name, parse_tile_path(path));
  AIGRID_TRY(auto hashes, tiles_from(database)(name));
  if (hashes.size() != name.width * kHashBytes) return no_part("tile/" + std::string(path));
  return hashes;
}

}  // namespace

Result<std::string> export_part(io::Database& database, const Log& log, std::string_view which) {
  io::AuditTable table(database);
  if (which == "log") {
    AIGRID_TRY(const auto newest, table.newest_checkpoint());
    return encode(LogIntro{log_of_origin(log.origin()), format_key(log.public_key()), newest.value_or("")});
  }
  if (which.starts_with(kCheckpoints)) return checkpoints_from(table, which.substr(kCheckpoints.size()));
  if (!which.starts_with(kTiles)) return no_part(which);
  which.remove_prefix(kTiles.size());
  return which.starts_with(kEntries) ? entries_of(table, which.substr(kEntries.size())) : hashes_of(database, which);
}

std::string encode(const LogIntro& intro) {
  return json::dump({{"log", intro.log}, {"key", intro.key}, {"checkpoint", intro.checkpoint}});
}

Result<LogIntro> decode_intro(std::string_view text) {
  AIGRID_TRY(const json::Json value, json::parse(text));
  LogIntro out;
  json::Reader reader(value, "log");
  reader.get("log", out.log).get("key", out.key).get("checkpoint", out.checkpoint);
  AIGRID_CHECK_OK(reader.result());
  return out;
}

}  // namespace aigrid::audit
