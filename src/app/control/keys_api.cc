// API keys: made here, shown once, kept as hashes.
#include <algorithm>

#include "app/control/management_api.h"
#include "base/crypto/encode.h"
#include "base/crypto/token.h"
#include "base/nearest_name.h"

namespace aigrid::control {

namespace {

struct KeyAsk {
  std::string tenant;
  std::string project;
  std::string zone;
  std::vector<std::string> models;
  std::int64_t ttl_s = 0;
};

// A field that means nothing here would be taken for one that does: `role`, `org_id`, `price`.
Result<void> no_other_fields(const json::Json& body) {
  const std::vector<std::string> known = {"tenant", "project", "zone", "models", "ttl_s"};
  for (const auto& [name, value] : body.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest_name(name, known);
    return invalid("api key: unknown field " + json::quoted(name.substr(0, 40)) + ": " +
                   (near.empty()
                        ? "a key is made from tenant, project, zone, models, ttl_s; limits stand in its resource"
                        : "did you mean " + near + "?"));
  }
  return {};
}

Result<KeyAsk> key_ask(const json::Json& body) {
  KeyAsk ask;
  json::Reader reader(body, "api key");
  reader.get("tenant", ask.tenant).get("project", ask.project).get("zone", ask.zone).get("models", ask.models);
  reader.get("ttl_s", ask.ttl_s);
  AIGRID_CHECK_OK(reader.result());
  AIGRID_CHECK_OK(no_other_fields(body));
  if (ask.tenant.empty()) return invalid("api key: tenant is missing: name whose key it is");
  if (ask.ttl_s < 0)
    return invalid("api key: ttl_s " + std::to_string(ask.ttl_s) + " is negative: leave it out for a key without end");
  return ask;
}

std::string random_bytes(io::Env& env, std::size_t count) {
  std::string bytes(count, '\0');
  env.entropy(bytes);
  return bytes;
}

}  // namespace

io::Task<void> ManagementApi::create_key(Request& request) {
  auto body = co_await read_json(request);
  auto ask = body.ok() ? key_ask(*body) : Result<KeyAsk>(body.error());
  if (!ask.ok()) {
    co_await refuse(request, problem_of(ask.error()));
    co_return;
  }
  io::Env& env = services_.env;
  const crypto::ApiKey secret{random_bytes(env, crypto::kKidBytes), random_bytes(env, 24)};
  const auto text = crypto::format_api_key(secret);
  grid::ApiKey key{crypto::hex(secret.kid),
                   crypto::hex(crypto::view(crypto::key_hash(secret))),
                   ask->tenant,
                   ask->project,
                   ask->zone,
                   ask->models,
                   ask->ttl_s == 0 ? 0 : unix_seconds(env.wall()) + ask->ttl_s,
                   false};
  const std::string kid = key.kid;
  WriteAsk write;
  write.change.puts.push_back(api::to_resource(std::move(key)));
  write.change.fresh_key = true;
  write.create = true;
  sign(request, write);
  auto done = co_await services_.catalog.write(std::move(write));
  if (!done.ok()) {
    co_await refuse(request, problem_of(done.error()));
  } else if (!done->problems.empty()) {
    co_await refuse(request, problem_of(std::move(done->problems)));
  } else {
    co_await answer(request, 201, {{"kid", kid}, {"key", *text}, {"version", done->outcome.revision}});
  }
}

io::Task<void> ManagementApi::revoke_key(Request& request, std::string kid) {
  const auto entry = services_.catalog.find(api::Kind::ApiKey, kid);
  if (!entry) {
    co_await refuse(request, {404, "not_found", "there is no API key " + kid, "list them: GET /api/v1/api-keys", {}});
    co_return;
  }
  grid::ApiKey key = std::get<grid::ApiKey>(entry->noun);
  key.revoked = true;
  WriteAsk write;
  write.change.puts.push_back(api::to_resource(std::move(key)));
  write.by = request.admin.name;
  auto done = co_await services_.catalog.write(std::move(write));
  if (!done.ok()) {
    co_await refuse(request, problem_of(done.error()));
  } else if (!done->problems.empty()) {
    co_await refuse(request, problem_of(std::move(done->problems)));
  } else {
    co_await answer(request, 200, {{"kid", kid}, {"revoked", true}, {"version", done->outcome.revision}});
  }
}

}  // namespace aigrid::control
