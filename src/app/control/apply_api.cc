// POST /api/v1/apply: many resources at once, all or nothing, with every problem at once.
#include "app/control/management_api.h"

namespace aigrid::control {

std::optional<std::vector<api::Resource>> parse_resources(const json::Json& body, std::vector<api::Problem>& problems) {
  const auto list = body.is_object() ? body.find("resources") : body.end();
  if (!body.is_object() || list == body.end() || !list->is_array()) {
    api::Problem problem;
    problem.pointer = "/resources";
    problem.message = "the body is not {\"resources\":[…]}";
    problem.remedy = "send the list of resources";
    problems.push_back(std::move(problem));
    return std::nullopt;
  }
  std::vector<api::Resource> out;
  for (const auto& one : *list) {
    if (auto resource = api::parse_json(one, problems)) out.push_back(std::move(*resource));
  }
  return out;
}

namespace {

// A file says what the grid is; `dial` says how processes reach each other here, and belongs to who runs them. A file
// that does not mention it leaves it as it is.
void keep_dial(const Catalog& catalog, std::vector<api::Resource>& resources) {
  for (auto& r : resources) {
    if (r.kind != api::Kind::Link || !r.spec.is_object() || r.spec.contains("dial")) continue;
    const auto now = catalog.find(r.kind, r.name);
    if (!now) continue;
    const auto& link = std::get<grid::Link>(now->noun);
    if (!link.dial.empty()) r.spec["dial"] = link.dial;
  }
}

}  // namespace

io::Task<void> ManagementApi::apply(Request& request) {
  auto body = co_await read_json(request);
  if (!body.ok()) {
    co_await refuse(request, problem_of(body.error()));
    co_return;
  }
  std::vector<api::Problem> problems;
  auto resources = parse_resources(*body, problems);
  if (!resources) {
    co_await refuse(request, problem_of(std::move(problems)));
    co_return;
  }
  keep_dial(services_.catalog, *resources);
  WriteAsk ask;
  ask.change.puts = std::move(*resources);
  sign(request, ask);
  ask.dry_run = request.query.contains("dryRun") || !problems.empty();  // still to find all problems
  auto done = co_await services_.catalog.write(std::move(ask));
  if (!done.ok()) {
    co_await refuse(request, problem_of(done.error()));
    co_return;
  }
  problems.insert(problems.end(), done->problems.begin(), done->problems.end());
  if (!problems.empty()) {
    co_await refuse(request, problem_of(std::move(problems)));
    co_return;
  }
  json::Json results = json::Json::array();
  for (const auto& r : done->outcome.results) {
    results.push_back({{"kind", r.resource.kind}, {"name", r.resource.name}, {"action", io::to_string(r.action)}});
  }
  co_await answer(request, 200, {{"results", results}, {"version", done->outcome.revision}, {"law", done->law}});
}

}  // namespace aigrid::control
