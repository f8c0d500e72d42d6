// GET, PUT, POST, DELETE of resources, one or all of a kind.
#include <fmt/chrono.h>

#include <charconv>

#include "app/control/management_api.h"

namespace aigrid::control {

std::string rfc3339_ms(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), unix_ms % 1000);
}

json::Json resource_json(const io::StoredResource& stored) {
  json::Json metadata = {{"name", stored.name},
                         {"resourceVersion", std::to_string(stored.version)},
                         {"createdAt", rfc3339_ms(stored.created_ms)}};
  if (!stored.changed_by.empty()) metadata["changedBy"] = stored.changed_by;
  if (!stored.labels.empty()) metadata["labels"] = json::parse(stored.labels).value_or(json::Json::object());
  return {{"apiVersion", api::kApiVersion},
          {"kind", stored.kind},
          {"metadata", metadata},
          {"spec", json::parse(stored.spec).value_or(json::Json::object())}};
}

Result<std::optional<std::uint64_t>> if_match(const http::Headers& headers) {
  const auto given = headers.get("if-match");
  if (!given || *given == "*") return std::optional<std::uint64_t>();
  std::string_view text = *given;
  const bool quoted = text.size() > 2 && text.front() == '"' && text.back() == '"';
  if (quoted) text = text.substr(1, text.size() - 2);
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (!quoted || error != std::errc() || end != text.data() + text.size()) {
    return invalid("If-Match: " + std::string(*given) +
                   " is not a strong etag such as \"17\": send the ETag of the last read");
  }
  return std::optional<std::uint64_t>(version);
}

namespace {

// Where a lost update would widen who may see what, a writer has to say what it has read.
bool needs_if_match(api::Kind kind) {
  return kind == api::Kind::Policy || kind == api::Kind::Zone || kind == api::Kind::Tenant;
}

Problem if_match_missing(api::Kind kind) {
  return {428,
          "if_match_required",
          "changes of a " + std::string(api::to_string(kind)) + " need If-Match",
          "read it and send its ETag in If-Match",
          {}};
}

Problem not_there(api::Kind kind, const std::string& name) {
  return {404,
          "not_found",
          std::string(api::to_string(kind)) + " \"" + name + "\" does not exist",
          "list them: GET /api/v1/" + std::string(api::plural(kind)),
          {}};
}

Problem not_allowed(const std::string& method) {
  return {405, "method_not_allowed", method + " is not possible here", "", {}};
}

}  // namespace

json::Json ManagementApi::view(const CatalogEntry& entry) const {
  json::Json out = resource_json(entry.stored);
  json::Json status = services_.board.status_of(services_.catalog, entry, services_.current(), services_.env.now());
  if (!status.is_null()) out["status"] = std::move(status);
  return out;
}

io::Task<void> ManagementApi::collection(Request& request, api::Kind kind) {
  if (request.method == "GET" && request.flag("watch")) {
    co_await watch(request, kind);
  } else if (request.method == "GET") {
    co_await list(request, kind);
  } else if (request.method == "POST") {
    co_await put(request, kind, "", true);
  } else {
    co_await refuse(request, not_allowed(request.method));
  }
}

io::Task<void> ManagementApi::single(Request& request, api::Kind kind, std::string name) {
  if (request.method == "GET") {
    const auto entry = services_.catalog.find(kind, name);
    if (entry) {
      co_await answer(request, 200, view(*entry), std::to_string(entry->stored.version));
    } else {
      co_await refuse(request, not_there(kind, name));
    }
  } else if (request.method == "PUT") {
    co_await put(request, kind, std::move(name), false);
  } else if (request.method == "DELETE") {
    co_await remove(request, kind, std::move(name));
  } else {
    co_await refuse(request, not_allowed(request.method));
  }
}

io::Task<void> ManagementApi::list(Request& request, api::Kind kind) {
  json::Json items = json::Json::array();
  for (const auto& entry : services_.catalog.list(kind)) items.push_back(view(*entry));
  co_await answer(request, 200,
                  {{"apiVersion", api::kApiVersion},
                   {"kind", std::string(api::to_string(kind)) + "List"},
                   {"metadata", {{"resourceVersion", std::to_string(services_.catalog.revision())}}},
                   {"items", items}});
}

io::Task<void> ManagementApi::put(Request& request, api::Kind kind, std::string name, bool create) {
  auto version = if_match(request.exchange.head().headers);
  if (!version.ok()) {
    co_await refuse(request, problem_of(version.error()));
    co_return;
  }
  auto body = co_await read_json(request);
  if (!body.ok()) {
    co_await refuse(request, problem_of(body.error()));
    co_return;
  }
  std::vector<api::Problem> problems;
  auto resource = api::parse_json(*body, problems);
  if (resource && (resource->kind != kind || (!create && resource->name != name))) {
    problems.push_back(
        api::problem_at(*resource, "/metadata/name", "the address names another resource than the body",
                        "send it to /api/v1/" + std::string(api::plural(resource->kind)) + "/" + resource->name));
  }
  if (!resource || !problems.empty()) {
    co_await refuse(request, problem_of(std::move(problems)));
    co_return;
  }
  name = resource->name;
  if (!create && needs_if_match(kind) && !request.exchange.head().headers.has("if-match") &&
      services_.catalog.find(kind, name)) {
    co_await refuse(request, if_match_missing(kind));
    co_return;
  }
  WriteAsk ask;
  ask.change.puts.push_back(std::move(*resource));
  ask.create = create;
  sign(request, ask);
  ask.if_version = *version;
  ask.dry_run = request.query.contains("dryRun");
  auto done = co_await services_.catalog.write(std::move(ask));
  if (!done.ok()) {
    co_await refuse(request, problem_of(done.error()));
  } else if (!done->problems.empty()) {
    co_await refuse(request, problem_of(std::move(done->problems)));
  } else {
    const auto& result = done->outcome.results.front();
    const int status = result.action == io::WriteResult::Action::Created ? 201 : 200;
    co_await answer(request, status, resource_json(result.resource), std::to_string(result.resource.version));
  }
}

io::Task<void> ManagementApi::remove(Request& request, api::Kind kind, std::string name) {
  auto version = if_match(request.exchange.head().headers);
  if (!version.ok()) {
    co_await refuse(request, problem_of(version.error()));
    co_return;
  }
  if (!services_.catalog.find(kind, name)) {
    co_await refuse(request, not_there(kind, name));
    co_return;
  }
  if (needs_if_match(kind) && !request.exchange.head().headers.has("if-match")) {
    co_await refuse(request, if_match_missing(kind));
    co_return;
  }
  WriteAsk ask;
  ask.change.deletes.push_back({kind, std::move(name)});
  sign(request, ask);
  ask.if_version = *version;
  ask.dry_run = request.query.contains("dryRun");
  auto done = co_await services_.catalog.write(std::move(ask));
  if (!done.ok()) {
    co_await refuse(request, problem_of(done.error()));
  } else if (!done->problems.empty()) {
    co_await refuse(request, problem_of(std::move(done->problems)));
  } else {
    co_await answer(request, 200, resource_json(done->outcome.results.front().resource));
  }
}

}  // namespace aigrid::control
