#include "io/client/renewal.h"

#include <algorithm>

#include "io/client/backoff.h"
#include "io/client/inner_ask.h"
#include "io/env/seed.h"
#include "io/pki/keys.h"
#include "io/tls/tls.h"

namespace aigrid::io {

Result<std::unique_ptr<Membership>> Membership::make(Env& env, std::string state, Identity identity) {
  std::unique_ptr<Membership> made(new Membership(env, std::move(state)));
  AIGRID_TRY(const Certificate leaf, env.keys().inspect(identity.chain));
  AIGRID_TRY(made->name_, Spiffe::parse(leaf.id));
  AIGRID_CHECK_OK(made->adopt(std::move(identity)));
  return made;
}

Result<void> Membership::adopt(Identity identity) {
  AIGRID_TRY(const Certificate leaf, env_.keys().inspect(identity.chain));
  AIGRID_TRY(const Spiffe name, Spiffe::parse(leaf.id));
  if (name != name_) {
    return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                 "a certificate for " + leaf.id + " is not ours"};
  }
  AIGRID_TRY(auto tls, env_.tls().make_context({identity.key, identity.chain, identity.roots}, Purpose::Grid));
  tls_ = std::move(tls);
  identity_ = std::move(identity);
  not_before_ = leaf.not_before;
  not_after_ = leaf.not_after;
  return {};
}

Result<void> Membership::replace(std::string key, RenewAnswer answer) {
  Identity fresh = identity_;
  fresh.key = std::move(key);
  fresh.chain = std::move(answer.chain);
  if (!answer.roots.empty()) fresh.roots = std::move(answer.roots);
  Membership tried(env_, "");
  tried.name_ = name_;
  AIGRID_CHECK_OK(tried.adopt(fresh));
  if (!state_.empty()) AIGRID_CHECK_OK(save_identity(env_.files(), state_, fresh));
  tls_ = std::move(tried.tls_);
  identity_ = std::move(fresh);
  not_before_ = tried.not_before_;
  not_after_ = tried.not_after_;
  ++renewals_;
  if (changed_) changed_();
  return {};
}

Task<Result<RenewAnswer>> ask_renewal(Env& env, H2Connection& connection, std::string csr) {
  auto reply = co_await ask_inner(env, connection, "/inner/renew", encode_renew_ask(csr));
  if (!reply.ok()) co_return std::move(reply).error();
  if (reply->status != 200) co_return problem_of(*reply);
  co_return decode_renew_answer(reply->body);
}

Duration renewal_delay(Duration lifetime, double unit) {
  const Duration third = std::max(lifetime, Duration(0)) / 3;
  return third - Duration(static_cast<std::int64_t>(static_cast<double>(third.count()) * 0.1 * unit));
}

namespace {

// When the certificate held now is to be renewed. Measured as time gone by since it was taken up, on both clocks: the
// monotonic one does not step, the wall clock goes on while a machine is suspended.
class Due {
 public:
  Due(Env& env, const Membership& membership, bool fresh, double unit) : since_(env.now()), wall_since_(env.wall()) {
    const WallTime issued = membership.not_before() + kBackdate;
    const Duration lifetime = membership.not_after() - issued;
    const Duration age = fresh ? Duration(0) : std::max(Duration(0), env.wall() - issued);
    left_ = std::max(Duration(0), renewal_delay(lifetime, unit) - age);
  }
  Duration left(Env& env) const { return left_ - std::max(env.now() - since_, env.wall() - wall_since_); }

 private:
  Time since_;
  WallTime wall_since_;
  Duration left_{};
};

Task<Result<void>> renew_once(Env& env, Membership& membership, const AskRenewal& ask) {
  std::string key = env.keys().new_key();
  auto csr = env.keys().make_csr(key, membership.name());
  if (!csr.ok()) co_return std::move(csr).error();
  auto answer = co_await ask(std::move(*csr));
  if (!answer.ok()) co_return std::move(answer).error();
  co_return membership.replace(std::move(key), std::move(*answer));
}

}  // namespace

Task<void> keep_renewed(Env& env, Membership& membership, AskRenewal ask, Duration look) {
  Random random(random_seed(env));
  Backoff backoff(random.next());
  Due due(env, membership, false, random.unit());
  for (;;) {
    const Duration left = due.left(env);
    if (left > Duration(0)) {
      co_await env.sleep_for(std::min(left, look));
      continue;
    }
    const Result<void> done = co_await renew_once(env, membership, ask);
    if (done.ok()) {
      backoff.succeeded();
      due = Due(env, membership, true, random.unit());
      env.log().note("renewed", {{"not_after_unix_s", unix_seconds(membership.not_after())}});
      continue;
    }
    env.log().warn("renewal_failed", {{"why", done.error().message}});
    co_await env.sleep_for(backoff.failed());
  }
}

}  // namespace aigrid::io
