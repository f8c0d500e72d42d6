// Membership: the identity a running member uses now, and the TLS context made from it; renewed unattended. A renewal
// that fails never drops the old one; the new context is for new connections, old connections keep theirs. One worker
// (several workers: hand tls() over by mailbox from on_change). It outlives the renewing task.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/spiffe.h"
#include "io/client/identity.h"
#include "io/client/inner_messages.h"
#include "io/env/env.h"

namespace aigrid::io {

class H2Connection;
class TlsContext;

class Membership {
 public:
  // Fails where key, chain and roots do not fit each other. `state` empty: nothing is saved.
  static Result<std::unique_ptr<Membership>> make(Env& env, std::string state, Identity identity);

  const Identity& identity() const { return identity_; }
  const Spiffe& name() const { return name_; }
  // For new connections. Never null.
  const std::shared_ptr<const TlsContext>& tls() const { return tls_; }
  WallTime not_before() const { return not_before_; }
  WallTime not_after() const { return not_after_; }
  std::uint64_t renewals() const { return renewals_; }

  // Checks the new chain (same key pair or `key`, same name), saves it, swaps. On error nothing has changed.
  Result<void> replace(std::string key, RenewAnswer answer);
  // Called after every swap.
  void on_change(std::function<void()> call) { changed_ = std::move(call); }

 private:
  Membership(Env& env, std::string state) : env_(env), state_(std::move(state)) {}
  Result<void> adopt(Identity identity);

  Env& env_;
  std::string state_;
  Identity identity_;
  Spiffe name_;
  std::shared_ptr<const TlsContext> tls_;
  WallTime not_before_{};
  WallTime not_after_{};
  std::uint64_t renewals_ = 0;
  std::function<void()> changed_;
};

// How a CSR becomes a certificate: over whatever connection the member has.
using AskRenewal = std::function<Task<Result<RenewAnswer>>(std::string csr)>;
// POST /inner/renew on an established connection.
Task<Result<RenewAnswer>> ask_renewal(Env& env, H2Connection& connection, std::string csr);

// Fraction of the lifetime after which to renew, jittered only towards earlier. Pure: `unit` in [0, 1).
Duration renewal_delay(Duration lifetime, double unit);

// Renews for ever: at a third of each lifetime, a new key each time, and with back-off where it fails. Checks the wall
// clock at least every `look`, so a stepped clock or a suspended machine is seen.
Task<void> keep_renewed(Env& env, Membership& membership, AskRenewal ask, Duration look = 1s);

}  // namespace aigrid::io
