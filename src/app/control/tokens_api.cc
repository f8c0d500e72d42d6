// Join tokens: made here, shown once; kept is only what proves them.
#include "app/control/audit_log.h"
#include "app/control/management_api.h"
#include "base/crypto/encode.h"
#include "base/crypto/token.h"
#include "core/access/join.h"
#include "io/store/join_tokens.h"

namespace aigrid::control {

namespace {

struct TokenAsk {
  std::string role;
  std::string site;
  std::string name;
  std::int64_t ttl_s = to_ms(access::kJoinTokenLifetime) / 1000;
};

Result<TokenAsk> token_ask(const json::Json& body, const Catalog& catalog) {
  TokenAsk ask;
  json::Reader reader(body, "join token");
  reader.get("role", ask.role).get("site", ask.site).get("name", ask.name).get("ttl_s", ask.ttl_s);
  AIGRID_CHECK_OK(reader.result());
  if (ask.role != to_string(Role::Gateway) && ask.role != to_string(Role::Agent)) {
    return invalid("join token: role \"" + ask.role + "\" is neither gateway nor agent");
  }
  if (!catalog.find(api::Kind::Site, ask.site)) {
    return invalid("join token: site \"" + ask.site + "\" does not exist: apply the Site first");
  }
  if (!ask.name.empty()) {
    const Spiffe name{"grid", ask.role == to_string(Role::Gateway) ? Role::Gateway : Role::Agent, ask.site, ask.name};
    if (auto text = name.format(); !text.ok()) return std::move(text).error();
  }
  const std::int64_t most = to_ms(access::kLongestJoinTokenLifetime) / 1000;
  if (ask.ttl_s < 1 || ask.ttl_s > most) {
    return invalid("join token: ttl_s " + std::to_string(ask.ttl_s) + " is not between 1 and " + std::to_string(most));
  }
  return ask;
}

}  // namespace

io::Task<void> ManagementApi::create_join_token(Request& request) {
  auto body = co_await read_json(request);
  auto ask = body.ok() ? token_ask(*body, services_.catalog) : Result<TokenAsk>(body.error());
  auto pin = services_.authority.root_pin(services_.env);
  if (!ask.ok() || !pin.ok()) {
    co_await refuse(request, problem_of(ask.ok() ? pin.error() : ask.error()));
    co_return;
  }
  crypto::JoinToken token{std::string(crypto::kKidBytes, '\0'), std::string(32, '\0'), *pin};
  services_.env.entropy(token.kid);
  services_.env.entropy(token.secret);
  const std::int64_t now_ms = unix_ms(services_.env.wall());
  io::JoinTokenRow row{
      token.kid, crypto::join_key(token), ask->role, ask->site, ask->name, now_ms + ask->ttl_s * 1000, "", "", false};
  // Kept a while after their end, so that a replay is still known as one.
  const std::int64_t forget = now_ms - to_ms(access::kLongestJoinTokenLifetime);
  std::function<Result<void>(io::Database&)> store = [row, forget](io::Database& db) {
    return io::JoinTokens(db).add(row, forget);
  };
  auto stored = co_await services_.door.run(std::move(store));
  auto text = crypto::format_join_token(token);
  if (!stored.ok() || !text.ok()) {
    co_await refuse(request, problem_of(stored.ok() ? text.error() : stored.error()));
    co_return;
  }
  AdminAct act{request.admin.name, "create", "join-token/" + crypto::hex(token.kid),
               row.role + " " + row.site + " " + row.name};
  if (auto noted = co_await services_.audit.note(std::move(act)); !noted.ok()) {
    co_await refuse(request, problem_of(noted.error()));
    co_return;
  }
  co_await answer(request, 201, {{"token", *text}, {"expires_at", rfc3339_ms(row.expires_ms)}});
}

}  // namespace aigrid::control
