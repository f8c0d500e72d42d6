#include "io/store/join_tokens.h"

namespace aigrid::io {

Result<void> JoinTokens::prepare() {
  return database_.execute(
      "CREATE TABLE IF NOT EXISTS join_token(kid BLOB PRIMARY KEY, key BLOB NOT NULL, role TEXT NOT NULL, site TEXT "
      "NOT NULL,"
      " name TEXT NOT NULL, expires_ms INTEGER NOT NULL, used_key BLOB NOT NULL DEFAULT x'', used_name TEXT NOT NULL "
      "DEFAULT '',"
      " burnt INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS joined_name(role TEXT NOT NULL, name TEXT NOT NULL,"
      " complete INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(role,name)) WITHOUT ROWID;");
}

Result<void> JoinTokens::add(const JoinTokenRow& row, std::int64_t forget_before_ms) {
  AIGRID_TRY(auto transaction, database_.begin());
  {
    AIGRID_TRY(auto forget, database_.prepare("DELETE FROM join_token WHERE expires_ms<?"));
    AIGRID_CHECK_OK(forget.add(forget_before_ms).run());
    AIGRID_TRY(auto put,
               database_.prepare("INSERT INTO join_token(kid,key,role,site,name,expires_ms) VALUES(?,?,?,?,?,?)"));
    put.add_blob(row.kid).add_blob(row.key).add(row.role).add(row.site).add(row.name).add(row.expires_ms);
    AIGRID_CHECK_OK(put.run());
  }
  return transaction.commit();
}

Result<std::optional<JoinTokenRow>> JoinTokens::find(std::string_view kid) {
  AIGRID_TRY(auto row,
             database_.prepare(
                 "SELECT kid,key,role,site,name,expires_ms,used_key,used_name,burnt FROM join_token WHERE kid=?"));
  AIGRID_TRY(const bool found, row.add_blob(kid).step());
  if (!found) return std::optional<JoinTokenRow>();
  return std::optional<JoinTokenRow>(JoinTokenRow{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
                                                  row.integer(5), row.text(6), row.text(7), row.integer(8) != 0});
}

Result<void> JoinTokens::mark_used(std::string_view kid, std::string_view key_hash, std::string_view name) {
  AIGRID_TRY(auto mark, database_.prepare("UPDATE join_token SET used_key=?,used_name=? WHERE kid=?"));
  return mark.add_blob(key_hash).add(name).add_blob(kid).run();
}

Result<void> JoinTokens::burn(std::string_view kid) {
  AIGRID_TRY(auto mark, database_.prepare("UPDATE join_token SET burnt=1 WHERE kid=?"));
  return mark.add_blob(kid).run();
}

Result<JoinTokens::Granted> JoinTokens::granted(std::string_view role, std::string_view name) {
  AIGRID_TRY(auto row, database_.prepare("SELECT complete FROM joined_name WHERE role=? AND name=?"));
  AIGRID_TRY(const bool found, row.add(role).add(name).step());
  return Granted{found, found && row.integer(0) != 0};
}

Result<void> JoinTokens::grant(std::string_view role, std::string_view name) {
  AIGRID_TRY(auto put, database_.prepare("INSERT INTO joined_name(role,name) VALUES(?,?) ON CONFLICT DO NOTHING"));
  return put.add(role).add(name).run();
}

Result<void> JoinTokens::complete(std::string_view role, std::string_view name) {
  AIGRID_TRY(auto put, database_.prepare("UPDATE joined_name SET complete=1 WHERE role=? AND name=?"));
  return put.add(role).add(name).run();
}

}  // namespace aigrid::io
