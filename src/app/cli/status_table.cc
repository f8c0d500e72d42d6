#include "app/cli/status_table.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "app/cli/writer.h"
#include "format/json/json.h"

namespace aigrid::cli {

namespace {

using Json = nlohmann::json;

struct SiteRow {
  int gateways = 0;
  int gateways_up = 0;
  int nodes = 0;
  int nodes_up = 0;
  int engines = 0;
  int engines_ready = 0;
  int running = 0;
  int slots = 0;
  int queued = 0;
  std::string trouble;  // the first thing that is wrong
};

template <class F>
void each(const Json& value, const char* name, F visit) {
  json::Reader reader(value);
  if (const auto* list = reader.list(name)) {
    for (const auto& one : *list) visit(one);
  }
}

std::string text_of(const Json& value, const char* name) {
  std::string out;
  json::Reader(value).get(name, out);
  return out;
}

void take_engine(SiteRow& row, const std::string& node, const Json& engine) {
  int running = 0, slots = 0, queued = 0;
  std::string state, reason, deployment;
  json::Reader(engine)
      .get("state", state)
      .get("reason", reason)
      .get("deployment", deployment)
      .get("running", running)
      .get("slots", slots)
      .get("queued", queued);
  ++row.engines;
  row.running += running;
  row.queued += queued;
  if (state == "ready") {
    ++row.engines_ready;
    row.slots += slots;
  } else if (row.trouble.empty()) {
    row.trouble = deployment + " on " + node + " is " + state + (reason.empty() ? "" : ": " + reason);
  }
}

std::map<std::string, SiteRow> site_rows(const Json& status) {
  std::map<std::string, SiteRow> rows;
  each(status, "gateways", [&](const Json& gateway) {
    bool connected = false;
    json::Reader(gateway).get("connected", connected);
    SiteRow& row = rows[text_of(gateway, "site")];
    ++row.gateways;
    row.gateways_up += connected ? 1 : 0;
    if (!connected && row.trouble.empty()) row.trouble = "gateway " + text_of(gateway, "name") + " is not connected";
  });
  each(status, "nodes", [&](const Json& node) {
    bool connected = false;
    json::Reader reader(node);
    reader.get("connected", connected);
    SiteRow& row = rows[text_of(node, "site")];
    const std::string name = text_of(node, "name");
    ++row.nodes;
    row.nodes_up += connected ? 1 : 0;
    if (!connected && row.trouble.empty()) row.trouble = "node " + name + " is not connected";
    if (const auto* report = reader.object("report"); connected && report != nullptr) {
      each(*report, "engines", [&](const Json& engine) { take_engine(row, name, engine); });
    }
  });
  return rows;
}

// The slowest view of the link, since what one end alone sees as down is down.
void take_link(std::vector<std::vector<std::string>>& rows, const Json& link) {
  std::string rtt = "-", jitter = "-", losses = "-", state = "not measured";
  double worst = -1;
  each(link, "seen_by", [&](const Json& seen) {
    bool up = false;
    double rtt_ms = 0, jitter_ms = 0;
    std::uint64_t lost = 0;
    std::string via;
    json::Reader(seen)
        .get("up", up)
        .get("via", via)
        .get("rtt_ms", rtt_ms)
        .get("jitter_ms", jitter_ms)
        .get("losses", lost);
    if (!up && (via.empty() || state == "down"))
      state = "down";
    else if (!up)
      state = "via " + via;
    else if (state == "not measured")
      state = "up";
    if ((!up && via.empty()) || rtt_ms <= worst) return;
    worst = rtt_ms;
    rtt = fmt::format("{:.1f}", rtt_ms);
    jitter = fmt::format("{:.1f}", jitter_ms);
    losses = std::to_string(lost);
  });
  rows.push_back({text_of(link, "a"), text_of(link, "b"), state, rtt, jitter, losses});
}

}  // namespace

std::string status_tables(const Json& status) {
  std::vector<std::vector<std::string>> sites{{"SITE", "GATEWAYS", "NODES", "ENGINES", "RUNNING", "QUEUED", "STATE"}};
  for (const auto& [site, row] : site_rows(status)) {
    sites.push_back({site, fmt::format("{}/{}", row.gateways_up, row.gateways),
                     fmt::format("{}/{}", row.nodes_up, row.nodes),
                     fmt::format("{}/{}", row.engines_ready, row.engines), fmt::format("{}/{}", row.running, row.slots),
                     std::to_string(row.queued), row.trouble.empty() ? "ok" : row.trouble});
  }
  std::vector<std::vector<std::string>> links{{"LINK", "", "STATE", "RTT ms", "JITTER ms", "LOSSES"}};
  each(status, "links", [&](const Json& link) { take_link(links, link); });
  std::string out = table_text(sites);
  if (links.size() > 1) out += "\n" + table_text(links);
  return out;
}

}  // namespace aigrid::cli
