// JoinTokens: the join tokens that control has given out, in the database: key id → K, whom it is for, who used it. The
// token's secret is not kept. Beside them, the names that joins were granted. Thread contract: that of Database. What
// may be done with a token is judged in core/access.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/store/database.h"

namespace aigrid::io {

struct JoinTokenRow {
  std::string kid;  // 8 raw bytes
  std::string key;  // K
  std::string role;
  std::string site;
  std::string name;  // empty: any
  std::int64_t expires_ms = 0;
  std::string used_key;
  std::string used_name;
  bool burnt = false;
};

class JoinTokens {
 public:
  explicit JoinTokens(Database& database) : database_(database) {}
  Result<void> prepare();
  // Also forgets what expired before `forget_before_ms`, used or not.
  Result<void> add(const JoinTokenRow& row, std::int64_t forget_before_ms);
  Result<std::optional<JoinTokenRow>> find(std::string_view kid);
  Result<void> mark_used(std::string_view kid, std::string_view key_hash, std::string_view name);
  Result<void> burn(std::string_view kid);

  // Names that were granted, by whatever token. They stay, also when their resources are deleted.
  struct Granted {
    bool joined = false;
    bool complete = false;
  };
  Result<Granted> granted(std::string_view role, std::string_view name);
  Result<void> grant(std::string_view role, std::string_view name);
  Result<void> complete(std::string_view role, std::string_view name);

 private:
  Database& database_;
};

}  // namespace aigrid::io
