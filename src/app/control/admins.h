// Admins: who may use the management API. "root" holds the key that control was started with (or made); the others have
// named keys, made here, shown once, kept as hashes, revoked by name. A name that was used stays used, so that what the
// catalog says of who changed what means one person for ever. Who makes an admin sees the key; its holder renews it,
// and then has it alone. One worker. Errors: InvalidArgument, AlreadyExists, NotFound, with what to do.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/access/two_admins.h"
#include "io/env/env.h"
#include "io/store/database_door.h"
#include "io/store/turns.h"

namespace aigrid::control {

// Who makes a request, as its key says.
struct AdminIdentity {
  std::string name;
  bool operator==(const AdminIdentity&) const = default;
};

inline constexpr const char* kRootAdmin = "root";

struct Admin {
  std::string name;
  std::string hash;  // SHA-256 of the key
  std::string made_by;
  std::int64_t made_ms = 0;
  std::string revoked_by;
  std::int64_t revoked_ms = 0;  // 0: in force
  std::int64_t renewed_ms = 0;  // 0: the key is still the one that `made_by` has seen
};

class Admins {
 public:
  Admins(io::Env& env, io::DatabaseDoor& door, const std::string& root_key);
  // Makes the table and reads it. For start-up.
  io::Task<Result<void>> load();

  std::optional<AdminIdentity> identify(std::string_view key) const;
  const std::map<std::string, Admin>& all() const { return admins_; }  // but root
  access::KeyHolder holder(const AdminIdentity& who) const;
  access::NamedAdmins named() const { return {!admins_.empty(), !by_hash_.empty()}; }
  // The new key's text.
  io::Task<Result<std::string>> create(std::string name, AdminIdentity by);
  // Another key for the one who asks; the old one ends. Its text.
  io::Task<Result<std::string>> renew(AdminIdentity who);
  // In force when it returns: for every later request. Root's key is a file of control's, and not revoked here.
  io::Task<Result<Admin>> revoke(std::string name, AdminIdentity by);

 private:
  io::Env& env_;
  io::DatabaseDoor& door_;
  io::Turns turns_;  // of changes to one that is there
  std::string root_hash_;
  std::map<std::string, Admin> admins_;
  std::map<std::string, std::string> by_hash_;  // in force → name
};

}  // namespace aigrid::control
