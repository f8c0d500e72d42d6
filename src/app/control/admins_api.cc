// Admins' keys: made here, shown once, renewed by their holder, revoked by name. Every admin may revoke; to make one
// takes two. Who did it is kept.
#include "app/control/audit_log.h"
#include "app/control/management_api.h"

namespace aigrid::control {

namespace {

json::Json view_of(const Admin& admin) {
  json::Json out = {{"name", admin.name},
                    {"made_by", admin.made_by},
                    {"made_at", rfc3339_ms(admin.made_ms)},
                    {"revoked", admin.revoked_ms != 0}};
  if (admin.renewed_ms != 0) out["renewed_at"] = rfc3339_ms(admin.renewed_ms);
  if (admin.revoked_ms != 0) {
    out["revoked_by"] = admin.revoked_by;
    out["revoked_at"] = rfc3339_ms(admin.revoked_ms);
  }
  return out;
}

}  // namespace

io::Task<void> ManagementApi::list_admins(Request& request) {
  json::Json items = json::Json::array();
  items.push_back({{"name", kRootAdmin}, {"revoked", false}});
  for (const auto& [name, admin] : services_.admins.all()) items.push_back(view_of(admin));
  co_await answer(request, 200, {{"you", request.admin.name}, {"items", items}});
}

io::Task<void> ManagementApi::create_admin(Request& request) {
  auto body = co_await read_json(request);
  std::string name;
  if (body.ok()) {
    json::Reader reader(*body, "admin");
    reader.get("name", name);
    if (auto read = reader.result(); !read.ok()) body = read.error();
  }
  const Admins& admins = services_.admins;
  const bool two = access::two_needed_to_make_admin(admins.holder(request.admin), admins.named());
  if (const auto missing = no_approval(request); body.ok() && two && missing) {
    co_await refuse(request, {403,
                              "approval_needed",
                              "making an admin takes two, and only " + request.admin.name + " wants it" +
                                  (missing->empty() ? "" : "; " + *missing),
                              "have another admin approve it: aigrid admin create NAME --approve-with KEY, or the "
                              "header x-aigrid-approval",
                              {}});
    co_return;
  }
  auto key = body.ok() ? co_await services_.admins.create(name, request.admin) : Result<std::string>(body.error());
  if (!key.ok()) {
    co_await refuse(request, problem_of(key.error()));
    co_return;
  }
  AdminAct act{request.admin.name, "create", "admin/" + name, ""};
  if (auto noted = co_await services_.audit.note(std::move(act)); !noted.ok()) {
    co_await refuse(request, problem_of(noted.error()));
    co_return;
  }
  co_await answer(request, 201, {{"name", name}, {"key", *key}});
}

io::Task<void> ManagementApi::renew_admin(Request& request, std::string name) {
  if (name != request.admin.name) {
    co_await refuse(request, {403,
                              "permission_denied",
                              "the key of " + name + " is renewed by " + name + " alone",
                              "call it with that key",
                              {}});
    co_return;
  }
  auto key = co_await services_.admins.renew(request.admin);
  if (!key.ok()) {
    co_await refuse(request, problem_of(key.error()));
    co_return;
  }
  co_await answer(request, 200, {{"name", name}, {"key", *key}});
}

io::Task<void> ManagementApi::revoke_admin(Request& request, std::string name) {
  auto revoked = co_await services_.admins.revoke(std::move(name), request.admin);
  if (!revoked.ok()) {
    co_await refuse(request, problem_of(revoked.error()));
    co_return;
  }
  AdminAct act{request.admin.name, "revoke", "admin/" + revoked->name, ""};
  if (auto noted = co_await services_.audit.note(std::move(act)); !noted.ok()) {
    co_await refuse(request, problem_of(noted.error()));
    co_return;
  }
  co_await answer(request, 200, view_of(*revoked));
}

}  // namespace aigrid::control
