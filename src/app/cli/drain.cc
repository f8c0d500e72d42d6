// cordon, uncordon, drain.
#include "core/routing/drain.h"

#include <fmt/format.h>

#include <chrono>

#include "app/cli/access.h"
#include "format/api/check.h"
#include "format/api/schema.h"
#include "format/json/json.h"

namespace aigrid::cli {

namespace {

using Json = nlohmann::json;

api::Kind kind_of(const std::string& what) { return what == "site" ? api::Kind::Site : api::Kind::Node; }

std::string address(const std::string& what, const std::string& name) {
  return "/api/v1/" + std::string(api::plural(kind_of(what))) + "/" + name;
}

io::Task<Result<void>> set_fields(io::Env& env, Access access, std::string what, std::string name, Json fields) {
  auto held = co_await call(env, access, "GET", address(what, name));
  if (!held.ok()) co_return std::move(held).error();
  held->erase("status");
  (*held)["spec"].update(fields);
  const Json body{{"resources", Json::array({*held})}};
  auto done = co_await call(env, access, "POST", "/api/v1/apply", body.dump());
  if (!done.ok()) co_return std::move(done).error();
  co_return Result<void>{};
}

// The whole configuration but the keys, compiled as gateways do it.
io::Task<Result<std::shared_ptr<const routing::Tables>>> tables_of(io::Env& env, Access access) {
  std::vector<api::Resource> all;
  std::vector<api::Problem> problems;
  for (std::size_t i = 0; i < api::kKinds; ++i) {
    const auto kind = static_cast<api::Kind>(i);
    if (kind == api::Kind::ApiKey) continue;
    auto list = co_await call(env, access, "GET", "/api/v1/" + std::string(api::plural(kind)));
    if (!list.ok()) co_return std::move(list).error();
    const auto* items = json::Reader(*list).list("items");
    if (items == nullptr) continue;
    for (Json item : *items) {
      item.erase("status");
      if (auto resource = api::parse_json(item, problems)) all.push_back(std::move(*resource));
    }
  }
  auto checked = api::to_inventory(all);
  if (!checked.problems.empty()) co_return invalid(api::to_text(checked.problems.front()));
  co_return routing::compile(checked.inventory);
}

void read_engine(const routing::Tables& tables, const std::string& node, const Json& engine,
                 std::vector<routing::NodeRow>& rows) {
  std::string deployment;
  std::string state;
  std::uint32_t slots = 0;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  json::Reader(engine).get("deployment", deployment).get("state", state).get("slots", slots);
  json::Reader(engine).get("running", running).get("queued", queued);
  const auto d = tables.find_deployment(deployment);
  const auto n = tables.find_node(node);
  if (!d || !n) return;
  auto& row = rows[*d * tables.nodes.size() + *n];
  row.present = true;
  row.ready = state == "ready";
  row.slots = static_cast<std::uint16_t>(slots);
  row.running = static_cast<std::uint16_t>(running);
  row.queued = static_cast<std::uint16_t>(queued);
}

std::vector<routing::NodeRow> rows_of(const routing::Tables& tables, const Json& status) {
  std::vector<routing::NodeRow> rows(tables.deployments.size() * tables.nodes.size());
  const auto* nodes = json::Reader(status).list("nodes");
  if (nodes == nullptr) return rows;
  for (const auto& node : *nodes) {
    std::string name;
    json::Reader reader(node);
    reader.get("name", name);
    const auto* report = reader.object("report");
    const auto* engines = report == nullptr ? nullptr : json::Reader(*report).list("engines");
    if (engines == nullptr) continue;
    for (const auto& engine : *engines) read_engine(tables, name, engine, rows);
  }
  return rows;
}

// What would move; its numbers again while it does.
io::Task<Result<routing::DrainForecast>> forecast_of(io::Env& env, std::shared_ptr<const routing::Tables> tables,
                                                     DrainOptions options) {
  auto status = co_await call(env, options.access, "GET", "/api/v1/status");
  if (!status.ok()) co_return std::move(status).error();
  routing::SiteIndex site = routing::kNone;
  routing::NodeIndex node = routing::kNone;
  if (options.what == "site") {
    site = tables->find_site(options.name).value_or(routing::kNone);
  } else if (const auto found = tables->find_node(options.name)) {
    node = *found;
    site = tables->nodes[node].site;
  }
  if (site == routing::kNone) co_return invalid("there is no " + options.what + " \"" + options.name + "\"");
  co_return routing::drain_forecast(*tables, rows_of(*tables, *status), site, node);
}

void tell(Writer& writer, const DrainOptions& options, const routing::DrainForecast& forecast) {
  writer.note(fmt::format("{} {}: {} running", options.what, options.name, forecast.running));
  for (const auto& part : forecast.parts) {
    std::string rooms;
    for (const auto& room : part.rooms) {
      rooms += fmt::format("{}{} {}", rooms.empty() ? "" : ", ", room.site, room.free_slots);
    }
    writer.note(fmt::format("  {}: {} running, {} waiting; free elsewhere: {}", part.deployment, part.running,
                            part.queued, rooms.empty() ? "nothing" : rooms));
  }
  for (const auto& one : forecast.stranded) {
    writer.note(fmt::format("  tenant {} has no other permitted place for model {}", one.tenant, one.model));
  }
}

Json to_json(const DrainOptions& options, const routing::DrainForecast& forecast) {
  Json out{{"what", options.what},    {"name", options.name},   {"running", forecast.running},
           {"fits", forecast.fits()}, {"parts", Json::array()}, {"stranded", Json::array()}};
  for (const auto& part : forecast.parts) {
    Json rooms = Json::object();
    for (const auto& room : part.rooms) rooms[room.site] = room.free_slots;
    out["parts"].push_back({{"deployment", part.deployment},
                            {"model", part.model},
                            {"running", part.running},
                            {"queued", part.queued},
                            {"free_slots", std::move(rooms)}});
  }
  for (const auto& one : forecast.stranded) {
    out["stranded"].push_back({{"tenant", one.tenant}, {"model", one.model}});
  }
  return out;
}

// Until nothing runs there.
io::Task<int> watch(io::Env& env, Writer& writer, std::shared_ptr<const routing::Tables> tables, DrainOptions options) {
  const Time until = env.now() + std::chrono::seconds(options.seconds);
  std::uint32_t before = ~0U;
  for (;;) {
    auto now = co_await forecast_of(env, tables, options);
    if (!now.ok()) co_return fail(writer, now.error());
    if (now->running != before) writer.note(fmt::format("{} running", now->running));
    before = now->running;
    if (before == 0) {
      writer.note(fmt::format("drained: nothing runs at {} {}; aigrid uncordon {} {} brings it back", options.what,
                              options.name, options.what, options.name));
      co_return 0;
    }
    if (env.now() >= until) {
      co_return fail(writer, invalid(fmt::format("{} still run after {} s; the drain goes on: watch it with aigrid "
                                                 "status, or end it with --abort",
                                                 before, options.seconds)));
    }
    co_await env.sleep_for(options.access.limits.look);
  }
}

}  // namespace

io::Task<int> run_cordon(io::Env& env, Writer& writer, CordonOptions options) {
  Json fields{{"cordoned", options.closed}};
  if (!options.closed) fields["drain"] = false;
  auto done = co_await set_fields(env, options.access, options.what, options.name, std::move(fields));
  if (!done.ok()) co_return fail(writer, done.error());
  writer.note(fmt::format("{} {} takes {}", options.what, options.name, options.closed ? "no new work" : "work again"));
  co_return 0;
}

io::Task<int> run_drain(io::Env& env, Writer& writer, DrainOptions options) {
  if (options.abort) {
    const Json fields{{"drain", false}};
    auto done = co_await set_fields(env, options.access, options.what, options.name, fields);
    if (!done.ok()) co_return fail(writer, done.error());
    writer.note(fmt::format("{} {} keeps what runs there, and takes work again", options.what, options.name));
    co_return 0;
  }
  auto tables = co_await tables_of(env, options.access);
  if (!tables.ok()) co_return fail(writer, tables.error());
  auto forecast = co_await forecast_of(env, *tables, options);
  if (!forecast.ok()) co_return fail(writer, forecast.error());
  tell(writer, options, *forecast);
  if (options.json) writer.out(pretty(to_json(options, *forecast)));
  if (options.forecast) co_return 0;
  if (!forecast->fits() && !options.force) {
    co_return fail(writer, invalid("there is not room for all of it in permitted places, and nothing was changed: free "
                                   "some, or drain all the same with --force (what finds no place ends where it is)"));
  }
  const Json fields{{"drain", true}};
  auto done = co_await set_fields(env, options.access, options.what, options.name, fields);
  if (!done.ok()) co_return fail(writer, done.error());
  co_return co_await watch(env, writer, *tables, options);
}

}  // namespace aigrid::cli
