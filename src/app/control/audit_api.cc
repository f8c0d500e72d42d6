// POST /api/v1/audit/pass: what an export begins with. GET /api/v1/audit/…: control's own log, file by file, and what
// it has witnessed of the others'.
#include "app/control/audit_log.h"
#include "app/control/management_api.h"

namespace aigrid::control {

io::Task<void> ManagementApi::audit(Request& request) {
  std::string which;
  for (std::size_t i = 1; i < request.path.size(); ++i) which += (i == 1 ? "" : "/") + request.path[i];
  if (request.method == "POST" && which == "pass") {
    co_await create_audit_pass(request);
  } else if (request.method != "GET") {
    co_await refuse(request, {405, "method_not_allowed", request.method + " is none of an audit log's", "use GET", {}});
  } else {
    auto part = co_await services_.audit.part(std::move(which));
    if (!part.ok()) {
      co_await refuse(request, problem_of(part.error()));
      co_return;
    }
    http::Headers headers{{"content-type", "application/octet-stream"}, {"x-request-id", request.id}};
    (void)co_await request.exchange.respond(200, std::move(headers), std::move(*part));
  }
}

io::Task<void> ManagementApi::create_audit_pass(Request& request) {
  AdminAct act{request.admin.name, "create", "audit pass", ""};
  auto noted = co_await services_.audit.note(std::move(act));
  auto seen = co_await services_.audit.witnessed();
  if (!noted.ok() || !seen.ok()) {
    co_await refuse(request, problem_of(noted.ok() ? seen.error() : noted.error()));
    co_return;
  }
  json::Json gateways = json::Json::array();
  for (const auto& entry : services_.catalog.list(api::Kind::Gateway)) {
    const auto& gateway = std::get<grid::Gateway>(entry->noun);
    json::Json one{{"name", gateway.name}, {"site", gateway.site}, {"public_address", gateway.public_address}};
    for (const auto& log : *seen) {
      if (log.gateway != gateway.name) continue;
      one["key"] = log.log.key;
      one["checkpoint"] = log.log.note;
    }
    gateways.push_back(std::move(one));
  }
  const std::int64_t until = unix_seconds(services_.env.wall()) + to_ms(services_.options.limits.audit_pass) / 1000;
  co_await answer(request, 201,
                  {{"pass", services_.audit.pass_for(request.admin.name, until)},
                   {"until_unix_s", until},
                   {"bundles_key", services_.audit.bundles_key()},
                   {"gateways", std::move(gateways)}});
}

}  // namespace aigrid::control
