#include "app/control/management_api.h"

namespace aigrid::control {

namespace {

// key=value pairs of a query without escapes: nothing here needs any.
std::map<std::string, std::string> parse_query(std::string_view query) {
  std::map<std::string, std::string> out;
  while (!query.empty()) {
    const std::size_t amp = query.find('&');
    const std::string_view pair = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
    const std::size_t equals = pair.find('=');
    out[std::string(pair.substr(0, equals))] =
        equals == std::string_view::npos ? "1" : std::string(pair.substr(equals + 1));
  }
  return out;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    if (path.front() == '/') path.remove_prefix(1);
    const std::size_t slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  return parts;
}

std::optional<AdminIdentity> identity_of(const http::Headers& headers, const Admins& admins) {
  const auto given = headers.get("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (!given || headers.count("authorization") != 1 || !given->starts_with(kBearer)) return std::nullopt;
  return admins.identify(given->substr(kBearer.size()));
}

Problem no_route(const std::string& what) {
  return {404, "not_found", what + " is no resource of this API", "see GET /api/v1 for what there is", {}};
}

}  // namespace

std::optional<std::string> ManagementApi::no_approval(const Request& request) const {
  const auto& headers = request.exchange.head().headers;
  const auto key = headers.get("x-aigrid-approval");
  if (!key) return "";
  const auto second = headers.count("x-aigrid-approval") == 1 ? services_.admins.identify(*key) : std::nullopt;
  if (!second) return "the approval is no admin's key";
  return access::no_second_person(services_.admins.holder(request.admin), services_.admins.holder(*second));
}

void ManagementApi::sign(const Request& request, WriteAsk& ask) const {
  ask.by = request.admin.name;
  ask.two_admins = access::two_needed(services_.admins.named());
  const auto why = no_approval(request);
  ask.approved = !why;
  ask.no_approval = why.value_or("");
}

io::Task<void> ManagementApi::serve(io::Exchange& exchange) {
  Request request{exchange,
                  "ctl-" + std::to_string(services_.epoch) + "-" + std::to_string(++services_.management_requests),
                  exchange.head().method,
                  {},
                  {},
                  {}};
  auto target = http::parse_target(exchange.head().target);
  if (!target.ok()) {
    co_await refuse(request, problem_of(target.error()));
    co_return;
  }
  auto admin = identity_of(exchange.head().headers, services_.admins);
  if (!admin) {
    co_await refuse(request, problem_of({Code::Unauthenticated, Origin::Client, Retry::Never,
                                         "no admin key, or not the right one"}));
    co_return;
  }
  request.admin = std::move(*admin);
  auto path = split_path(target->path);
  if (path.size() > 2 && path[0] == "v1" && path[1] == "organization") {
    co_await organization(request, std::move(path));
    co_return;
  }
  if (path.size() < 2 || path[0] != "api" || path[1] != "v1") {
    co_await refuse(request, no_route(target->path));
    co_return;
  }
  request.path.assign(path.begin() + 2, path.end());
  request.query = parse_query(target->query);
  co_await route(request);
}

io::Task<void> ManagementApi::route(Request& request) {
  const auto& path = request.path;
  const std::string first = path.empty() ? std::string() : path[0];
  const bool post = request.method == "POST";
  const bool get = request.method == "GET";
  if (path.size() == 1 && first == "apply" && post) {
    co_await apply(request);
  } else if (path.size() == 2 && first == "policy" && path[1] == "preview" && post) {
    co_await preview(request);
  } else if (path.size() == 1 && first == "join-tokens" && post) {
    co_await create_join_token(request);
  } else if (path.size() == 1 && first == "admins" && get) {
    co_await list_admins(request);
  } else if (path.size() == 1 && first == "admins" && post) {
    co_await create_admin(request);
  } else if (path.size() == 3 && first == "admins" && path[2] == "renew" && post) {
    co_await renew_admin(request, path[1]);
  } else if (path.size() == 3 && first == "admins" && path[2] == "revoke" && post) {
    co_await revoke_admin(request, path[1]);
  } else if (path.size() == 1 && first == "usage" && get) {
    co_await usage(request);
  } else if (path.size() == 1 && first == "status" && get) {
    co_await status(request);
  } else if (path.size() >= 2 && first == "audit") {
    co_await audit(request);
  } else if (path.size() == 1 && first == "api-keys" && post) {
    co_await create_key(request);
  } else if (path.size() == 3 && first == "api-keys" && path[2] == "revoke" && post) {
    co_await revoke_key(request, path[1]);
  } else if (const auto kind = api::parse_plural(first); kind && path.size() == 1) {
    co_await collection(request, *kind);
  } else if (kind && path.size() >= 2) {
    // Names of models may hold slashes.
    std::string name = path[1];
    for (std::size_t i = 2; i < path.size(); ++i) name += "/" + path[i];
    co_await single(request, *kind, std::move(name));
  } else if (path.empty() && get) {
    json::Json kinds = json::Json::array();
    for (std::size_t i = 0; i < api::kKinds; ++i) kinds.push_back(api::plural(static_cast<api::Kind>(i)));
    co_await answer(request, 200, {{"grid", services_.authority.grid()}, {"kinds", kinds}});
  } else {
    co_await refuse(request, no_route(request.method + " /api/v1/" + first));
  }
}

io::Task<Result<json::Json>> ManagementApi::read_json(Request& request) {
  auto body = co_await request.exchange.read_body(services_.options.limits.body_bytes);
  if (!body.ok()) co_return std::move(body).error();
  if (body->empty()) co_return json::Json(json::Json::object());
  co_return json::parse(*body);
}

io::Task<void> ManagementApi::answer(Request& request, int status, const json::Json& body, std::string etag) {
  http::Headers headers{
      {"content-type", "application/json"}, {"x-request-id", request.id}, {"cache-control", "no-store"}};
  if (!etag.empty()) headers.add("etag", "\"" + etag + "\"");
  auto sent = co_await request.exchange.respond(status, std::move(headers), json::dump(body) + "\n");
  (void)sent;  // the client has gone
}

io::Task<void> ManagementApi::refuse(Request& request, Problem problem) {
  http::Headers headers{{"content-type", "application/problem+json"}, {"x-request-id", request.id}};
  if (problem.status == 401) headers.add("www-authenticate", "Bearer");
  auto sent =
      co_await request.exchange.respond(problem.status, std::move(headers), to_json(problem, request.id) + "\n");
  (void)sent;
}

}  // namespace aigrid::control
