// token create, key create, key list, key revoke; admin create, list, renew, revoke.
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

namespace {

std::string admin_lines(const nlohmann::json& list) {
  std::string out;
  if (!list.is_object() || !list.contains("items") || !list["items"].is_array()) return out;
  for (const auto& one : list["items"]) {
    const std::string by = text_of(one, "made_by");
    const std::string end = text_of(one, "revoked_by");
    out += text_of(one, "name") + (by.empty() ? "" : ", made by " + by) + (end.empty() ? "" : ", revoked by " + end) +
           "\n";
  }
  return out;
}

}  // namespace

namespace {

// The key to renew is the one that asks.
io::Task<Result<std::string>> own_name(io::Env& env, Access access) {
  auto answer = co_await call(env, std::move(access), "GET", "/api/v1/admins");
  if (!answer.ok()) co_return std::move(answer).error();
  co_return text_of(*answer, "you");
}

}  // namespace

io::Task<int> run_admin(io::Env& env, Writer& writer, AdminOptions options) {
  using What = AdminOptions::What;
  if (options.what == What::Renew) {
    auto name = co_await own_name(env, options.access);
    if (!name.ok()) co_return fail(writer, name.error());
    options.name = std::move(*name);
  }
  const bool list = options.what == What::List;
  std::string target = "/api/v1/admins";
  if (options.what == What::Revoke) target += "/" + options.name + "/revoke";
  if (options.what == What::Renew) target += "/" + options.name + "/renew";
  const std::string body = list ? "" : json::dump({{"name", options.name}});
  http::Headers headers;
  if (!options.approve_with.empty()) headers.set("x-aigrid-approval", options.approve_with);
  auto answer = co_await call(env, options.access, list ? "GET" : "POST", target, body, std::move(headers));
  if (!answer.ok()) co_return fail(writer, answer.error());
  if (options.json) {
    writer.out(pretty(*answer));
  } else if (list) {
    writer.out(admin_lines(*answer));
  } else if (options.what == What::Create) {
    writer.out(text_of(*answer, "key") + "\n");
    writer.note("shown once, and seen by you: " + options.name +
                " renews it (aigrid admin renew) before approving what you change, or you what " + options.name +
                " changes; aigrid admin revoke " + options.name + " ends it");
  } else if (options.what == What::Renew) {
    writer.out(text_of(*answer, "key") + "\n");
    writer.note("shown once, and yours alone; the old key of " + options.name + " has ended");
  } else {
    writer.note(options.name + " is no admin any more");
  }
  co_return 0;
}

}  // namespace aigrid::cli
