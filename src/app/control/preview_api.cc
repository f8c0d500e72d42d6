// POST /api/v1/policy/preview: the requests that control has records of, asked again under a change of the
// configuration. Writes nothing.
#include "app/control/management_api.h"
#include "core/policy/diff.h"
#include "core/policy/preview.h"
#include "format/inner/records.h"
#include "grid/source.h"
#include "io/store/records.h"

namespace aigrid::control {

namespace {

constexpr std::size_t kPage = 5000;
constexpr std::uint64_t kMostRequests = 1'000'000;

// What a preview works on; handed from one blocking call to the next.
struct Replay {
  std::vector<api::Problem> problems;
  Result<policy::Preview> preview = policy::Preview{};
  std::vector<std::string> law;
  std::map<std::string, std::string> doors;         // gateway → site
  std::map<std::string, const grid::ApiKey*> keys;  // by kid, alive by `entries`
  CatalogEntries entries;
  std::uint64_t unreadable = 0;
};

void prepare(Replay& replay, const CatalogEntries& held, const Change& change, std::int64_t second) {
  auto after = inventory_after(held, change);
  replay.problems = std::move(after.problems);
  if (!replay.problems.empty()) return;
  replay.preview = policy::Preview::compile(after.inventory, second);
  const auto shifts = policy::diff(inventory_of(held, "preview", 1), after.inventory, second);
  if (shifts.ok()) {
    for (const auto& shift : *shifts) {
      for (auto& line : policy::to_text(shift)) replay.law.push_back(std::move(line));
    }
  }
  for (const auto& gateway : after.inventory.gateways) replay.doors[gateway.name] = gateway.site;
  for (const auto& entry : replay.entries) {
    const auto& key = std::get<grid::ApiKey>(entry->noun);
    replay.keys[key.kid] = &key;
  }
}

void add(Replay& replay, const std::string& line) {
  const auto record = inner::decode_record(line);
  if (!record.ok()) {
    ++replay.unreadable;
    return;
  }
  policy::Recorded out;
  out.request_id = record->request_id;
  out.tenant = record->tenant;
  out.project = record->project;
  out.model = record->model;
  const std::string gateway(grid::gateway_of(record->source));
  if (const auto door = replay.doors.find(gateway); door != replay.doors.end()) out.door = door->second;
  out.site = record->site;
  out.denied = record->code == "data_residency_mismatch";
  out.second = record->received_unix_ms / 1000;
  if (const auto found = replay.keys.find(record->key_id); found != replay.keys.end()) {
    const grid::ApiKey& key = *found->second;
    out.key_zone = key.zone;
    out.key_regimes = key.regimes;
    out.data_level = key.data_level;
  }
  out.data_level = std::max(out.data_level, record->asked.data_level);
  out.zones = record->asked.zones;
  out.regimes = record->asked.regimes;
  out.only_sites = record->asked.only_sites;
  out.ignore_sites = record->asked.ignore_sites;
  replay.preview->add(out);
}

json::Json view_of(const Replay& replay, bool cut) {
  json::Json changes = json::Json::array();
  for (const auto& [key, tally] : replay.preview->changes()) {
    changes.push_back({{"fate", policy::to_string(key.fate)},
                       {"tenant", key.tenant},
                       {"site", key.site},
                       {"rule", key.rule},
                       {"requests", tally.requests},
                       {"examples", tally.examples}});
  }
  return {{"requests", replay.preview->requests()},
          {"unreadable", replay.unreadable},
          {"cut_short", cut},
          {"changes", std::move(changes)},
          {"law", replay.law}};
}

}  // namespace

io::Task<void> ManagementApi::preview(Request& request) {
  auto body = co_await read_json(request);
  if (!body.ok()) {
    co_await refuse(request, problem_of(body.error()));
    co_return;
  }
  auto replay = std::make_shared<Replay>();
  auto resources = parse_resources(*body, replay->problems);
  std::int64_t since = 0;
  json::Reader reader(*body, "preview");
  reader.get("since_unix_s", since);
  if (resources && replay->problems.empty() && reader.ok()) {
    Change change;
    change.puts = std::move(*resources);
    replay->entries = services_.catalog.list(api::Kind::ApiKey);
    auto work = [replay, change = std::move(change), held = services_.catalog.without_keys(),
                 second = unix_seconds(services_.env.wall())] { prepare(*replay, held, change, second); };
    co_await services_.env.blocking(std::move(work));
  }
  if (!replay->problems.empty()) {
    co_await refuse(request, problem_of(std::move(replay->problems)));
    co_return;
  }
  if (const Result<void> asked = reader.result(); !asked.ok() || !replay->preview.ok()) {
    co_await refuse(request, problem_of(asked.ok() ? replay->preview.error() : asked.error()));
    co_return;
  }
  io::RecordLine last;
  bool more = true;
  while (more && replay->preview->requests() < kMostRequests) {
    std::function<Result<std::vector<io::RecordLine>>(io::Database&)> read = [replay, since, last](io::Database& db) {
      auto page = io::RecordTable(db).lines(since * 1000, last, kPage);
      for (std::size_t i = 0; page.ok() && i < page->size(); ++i) add(*replay, (*page)[i].line);
      return page;
    };
    auto page = co_await services_.door.run(std::move(read));
    if (!page.ok()) {
      co_await refuse(request, problem_of(page.error()));
      co_return;
    }
    more = page->size() == kPage;
    if (more) last = page->back();
  }
  co_await answer(request, 200, view_of(*replay, more));
}

}  // namespace aigrid::control
