// ManagementApi: /api/v1 over HTTP/1.1, behind an admin's key. One file per group of routes; each answers one Exchange
// and throws away nothing it was sent: what it does not understand is a problem that says so. One worker.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/control/problem.h"
#include "app/control/services.h"
#include "io/http/server.h"

namespace aigrid::control {

// A request to /api/v1 taken apart.
struct Request {
  io::Exchange& exchange;
  std::string id;  // of the request
  std::string method;
  std::vector<std::string> path;  // after /api/v1
  std::map<std::string, std::string> query;
  AdminIdentity admin;  // whose key it came with

  bool flag(const std::string& name) const {
    const auto found = query.find(name);
    return found != query.end() && (found->second == "1" || found->second == "true");
  }
};

struct WriteAsk;

class ManagementApi {
 public:
  explicit ManagementApi(Services& services) : services_(services) {}
  io::Task<void> serve(io::Exchange& exchange);

 private:
  io::Task<void> route(Request& request);
  // Who makes the change, and who approves of it.
  void sign(const Request& request, WriteAsk& ask) const;
  // Nothing: another admin's key came in the header x-aigrid-approval. Else why none counts; empty: none came.
  std::optional<std::string> no_approval(const Request& request) const;
  io::Task<void> collection(Request& request, api::Kind kind);
  io::Task<void> single(Request& request, api::Kind kind, std::string name);
  io::Task<void> list(Request& request, api::Kind kind);
  io::Task<void> put(Request& request, api::Kind kind, std::string name, bool create);
  io::Task<void> remove(Request& request, api::Kind kind, std::string name);
  io::Task<void> watch(Request& request, api::Kind kind);
  io::Task<void> apply(Request& request);
  io::Task<void> preview(Request& request);
  io::Task<void> create_key(Request& request);
  io::Task<void> revoke_key(Request& request, std::string kid);
  io::Task<void> create_join_token(Request& request);
  io::Task<void> list_admins(Request& request);
  io::Task<void> create_admin(Request& request);
  io::Task<void> renew_admin(Request& request, std::string name);
  io::Task<void> revoke_admin(Request& request, std::string name);
  io::Task<void> usage(Request& request);
  io::Task<void> organization(Request& request, std::vector<std::string> path);
  io::Task<void> status(Request& request);
  io::Task<void> audit(Request& request);
  io::Task<void> create_audit_pass(Request& request);

  io::Task<Result<json::Json>> read_json(Request& request);
  io::Task<void> answer(Request& request, int status, const json::Json& body, std::string etag = {});
  io::Task<void> refuse(Request& request, Problem problem);
  json::Json view(const CatalogEntry& entry) const;  // with its status

  Services& services_;
};

// {"resources":[…]}; nothing when it is not that, with the problem.
std::optional<std::vector<api::Resource>> parse_resources(const json::Json& body, std::vector<api::Problem>& problems);
// A resource as the API shows it.
json::Json resource_json(const io::StoredResource& stored);
// "\"17\"" → 17; InvalidArgument for anything else but absence and "*".
Result<std::optional<std::uint64_t>> if_match(const http::Headers& headers);
std::string rfc3339_ms(std::int64_t unix_ms);

}  // namespace aigrid::control
