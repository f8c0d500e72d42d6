// Authority: the grid's root of trust as control holds it: root certificate (P-256), Ed25519 key of bundles. Read from
// authority.json of the state directory, or made and saved there (0600) before it is first used. One worker.
#pragma once

#include <string>

#include "app/control/control.h"
#include "io/client/identity.h"

namespace aigrid::control {

class Authority {
 public:
  static Result<Authority> load_or_make(io::Env& env, const ControlOptions& options);

  // A chain for `id`, whatever the request asked for.
  Result<std::string> issue(io::Env& env, const std::string& csr, const Spiffe& id) const;
  // Control's own identity, with a fresh key. Not saved.
  Result<io::Identity> own_identity(io::Env& env) const;

  const std::string& grid() const { return grid_; }
  const std::string& root() const { return root_; }
  const std::string& bundle_seed() const { return bundle_seed_; }
  const std::string& bundle_key() const { return bundle_key_; }  // public
  std::uint64_t epoch() const { return epoch_; }                 // of bundles; raised by hand when a backup is restored
  Result<std::string> root_pin(io::Env& env) const;

 private:
  static Result<Authority> decode(std::string_view text);
  std::string encode() const;
  Result<void> derive();

  std::string grid_;
  std::string key_;
  std::string root_;
  std::string bundle_seed_;
  std::string bundle_key_;
  std::uint64_t epoch_ = 1;
  Duration lifetime_{};
};

// The admin key: as given, as kept in the state directory, or made there.
Result<std::string> load_or_make_admin_key(io::Env& env, const ControlOptions& options);

}  // namespace aigrid::control
