// token create, key create, key list, key revoke.
#include "app/cli/access.h"
#include "format/json/json.h"

namespace aigrid::cli {

namespace {

std::string text_of(const nlohmann::json& value, const char* name) {
  std::string out;
  json::Reader(value).get(name, out);
  return out;
}

}  // namespace

io::Task<int> run_token(io::Env& env, Writer& writer, TokenOptions options) {
  const std::string body =
      json::dump({{"role", options.role}, {"site", options.site}, {"name", options.name}, {"ttl_s", options.seconds}});
  auto answer = co_await call(env, options.access, "POST", "/api/v1/join-tokens", body);
  if (!answer.ok()) co_return fail(writer, answer.error());
  writer.out(options.json ? pretty(*answer) : text_of(*answer, "token") + "\n");
  if (!options.json) {
    writer.note("shown once, usable once: AIGRID_JOIN_TOKEN=… aigrid " + options.role + " --state DIR --name " +
                (options.name.empty() ? "NAME" : options.name) +
                (options.role == "agent" ? " --gateway ADDRESS" : " --control ADDRESS"));
  }
  co_return 0;
}

io::Task<int> run_key_create(io::Env& env, Writer& writer, KeyCreateOptions options) {
  nlohmann::json ask{{"tenant", options.tenant}};
  if (!options.project.empty()) ask["project"] = options.project;
  if (!options.zone.empty()) ask["zone"] = options.zone;
  if (!options.models.empty()) ask["models"] = options.models;
  if (options.seconds > 0) ask["ttl_s"] = options.seconds;
  const std::string body = json::dump(ask);
  auto answer = co_await call(env, options.access, "POST", "/api/v1/api-keys", body);
  if (!answer.ok()) co_return fail(writer, answer.error());
  writer.out(options.json ? pretty(*answer) : text_of(*answer, "key") + "\n");
  if (!options.json)
    writer.note("key " + text_of(*answer, "kid") + " is shown once; aigrid key revoke " + text_of(*answer, "kid") +
                " ends it");
  co_return 0;
}

io::Task<int> run_key_list(io::Env& env, Writer& writer, KeyListOptions options) {
  GetOptions get;
  get.access = std::move(options.access);
  get.kind = "api-keys";
  get.output = options.json ? "json" : "table";
  co_return co_await run_get(env, writer, std::move(get));
}

io::Task<int> run_key_revoke(io::Env& env, Writer& writer, KeyRevokeOptions options) {
  auto answer = co_await call(env, options.access, "POST", "/api/v1/api-keys/" + options.kid + "/revoke", "{}");
  if (!answer.ok()) co_return fail(writer, answer.error());
  if (options.json) {
    writer.out(pretty(*answer));
  } else {
    writer.note("key " + options.kid + " is revoked");
  }
  co_return 0;
}

}  // namespace aigrid::cli
