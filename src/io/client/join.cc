#include "io/client/join.h"

#include "base/crypto/hash.h"
#include "base/crypto/token.h"
#include "io/client/backoff.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/client/inner_messages.h"
#include "io/env/seed.h"
#include "io/pki/keys.h"
#include "io/tls/tls.h"

namespace aigrid::io {

namespace {

struct Joiner {
  JoinOptions options;
  crypto::JoinToken token;
  std::string key;       // private
  std::string join_key;  // K
  std::shared_ptr<const TlsContext> tls;
};

Result<Identity> take_answer(const Joiner& joiner, const InnerAnswer& reply) {
  if (reply.status != 200) return problem_of(reply);
  AIGRID_TRY(JoinAnswer answer, decode_join_answer(reply.body));
  if (!crypto::constant_time_equal(answer.mac, join_answer_mac(joiner.join_key, answer))) {
    return Error{
        Code::PermissionDenied, Origin::Upstream, Retry::Never,
        "the answer to the join is not from the control plane that made the token: somebody between changed it"};
  }
  return Identity{joiner.key, std::move(answer.chain), std::move(answer.roots), std::move(answer.bundle_key),
                  std::move(answer.grid)};
}

Result<JoinAsk> make_ask(Env& env, const Joiner& joiner, const std::string& peer) {
  AIGRID_TRY(const Spiffe server, Spiffe::parse(peer));
  const auto& o = joiner.options;
  const Spiffe wanted{server.grid, o.role, std::string(kUnassignedSite), o.name};
  AIGRID_TRY(auto csr, env.keys().make_csr(joiner.key, wanted));
  JoinAsk ask{joiner.token.kid, std::move(csr), {}, o.role, {}, o.name, o.public_address, o.inner_address, o.workers};
  ask.mac = join_ask_mac(joiner.join_key, ask);
  return ask;
}

Task<Result<Identity>> join_once(Env& env, const Joiner& joiner) {
  auto raw = co_await env.dial(joiner.options.through, 5s);
  if (!raw.ok()) co_return std::move(raw).error();
  ClientTls how{joiner.tls, {}, {kAlpnAsk}, joiner.token.root_pin, {}};
  auto secured = co_await env.tls().connect(env, std::move(*raw), std::move(how));
  if (!secured.ok()) co_return std::move(secured).error();
  auto ask = make_ask(env, joiner, (*secured)->peer().identity);
  if (!ask.ok()) co_return std::move(ask).error();
  H2Connection connection(env, std::move(*secured), http::H2Role::Requester);
  TaskGroup running(env.executor());
  running.spawn(connection.run());
  auto reply = co_await ask_inner(env, connection, "/inner/join", encode(*ask));
  if (!reply.ok()) co_return std::move(reply).error();
  co_return take_answer(joiner, *reply);
}

// What a state directory holds may be somebody else's: a node's certificate does not make a gateway.
Result<void> check_role(Env& env, const std::string& state, const Identity& held, Role role) {
  const auto wrong = [&](const std::string& what) {
    return Error{Code::DataLoss, Origin::Self, Retry::Never, state + "/identity.json: " + what};
  };
  const auto leaf = env.keys().inspect(held.chain);
  const auto name = leaf.ok() ? Spiffe::parse(leaf->id) : Result<Spiffe>(leaf.error());
  if (!name.ok()) return wrong(name.error().message + "; remove the file and join again with a new token");
  if (name->role == role) return {};
  return wrong("it is the identity of " + std::string(to_string(name->role)) + " \"" + name->id + "\", and this is a " +
               std::string(to_string(role)) + ": give it a state directory of its own");
}

bool worth_another_try(const Error& error) {
  return error.code == Code::Unavailable || error.code == Code::DeadlineExceeded ||
         error.code == Code::ResourceExhausted || error.code == Code::Cancelled;
}

}  // namespace

Task<Result<Identity>> join(Env& env, JoinOptions options) {
  const Time deadline = env.now() + options.within;
  auto token = crypto::parse_join_token(options.token);
  if (!token.ok()) co_return std::move(token).error();
  auto tls = env.tls().make_context({}, Purpose::Grid);
  if (!tls.ok()) co_return std::move(tls).error();
  // One key for all tries: the same token with the same key is the same join.
  Joiner joiner{std::move(options), *token, env.keys().new_key(), crypto::join_key(*token), std::move(*tls)};
  Backoff backoff(random_seed(env));
  for (;;) {
    auto identity = co_await join_once(env, joiner);
    if (identity.ok()) {
      env.log().note("joined", {{"grid", identity->grid}, {"name", joiner.options.name}});
      co_return identity;
    }
    const Duration wait = backoff.failed();
    if (!worth_another_try(identity.error()) || env.now() + wait >= deadline) co_return identity;
    env.log().warn("join_failed", {{"through", joiner.options.through}, {"why", identity.error().message}});
    co_await env.sleep_for(wait);
  }
}

Task<Result<Identity>> load_or_join(Env& env, std::string state, JoinOptions options) {
  auto held = load_identity(env.files(), state);
  if (held.ok()) {
    auto fits = check_role(env, state, *held, options.role);
    if (!fits.ok()) co_return std::move(fits).error();
  }
  if (held.ok() || held.error().code != Code::NotFound) co_return held;
  if (options.token.empty()) {
    co_return invalid("no identity in " + state +
                      " and no join token: make one with `aigrid token create` and pass it as --token");
  }
  auto joined = co_await join(env, std::move(options));
  if (!joined.ok()) co_return joined;
  auto saved = save_identity(env.files(), state, *joined);
  if (!saved.ok()) co_return std::move(saved).error();
  co_return joined;
}

}  // namespace aigrid::io
